import { createHttpHandler } from "../lambda/http.ts";

export const handler = createHttpHandler();
