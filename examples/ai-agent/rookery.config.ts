import { defineConfig } from "rookery";
import { support } from "./engine.ts";

export default defineConfig({ engines: [support] });
