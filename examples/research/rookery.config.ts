import { defineConfig } from "rookery";
import { lookUp } from "./corpus.ts";
import { createResearch } from "./engine.ts";
import { createScriptedModel } from "./model.ts";

/** A model id goes to the AI SDK as it is. */
const model = process.env["ROOKERY_MODEL"] ?? createScriptedModel();

export default defineConfig({ engines: [createResearch({ model, lookUp })] });
