import { defineConfig } from "rookery";
import { createPoll } from "./engine.ts";
import { createFarm } from "./farm.ts";

export default defineConfig({ engines: [createPoll(createFarm(2))] });
