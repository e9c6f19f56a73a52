import { defineConfig } from "rookery";
import { briefing } from "./engine.ts";

export default defineConfig({ engines: [briefing] });
