import { createSweeperHandler } from "../lambda/sweeper.ts";

export const handler = createSweeperHandler();
