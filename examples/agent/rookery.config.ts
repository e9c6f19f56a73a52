import { defineConfig } from "rookery";
import { createAgent } from "./engine.ts";
import { startMailServer } from "./mail-server.ts";
import { createScriptedModel } from "./model.ts";

const { url: mailUrl } = await startMailServer();
/** A model id goes to the AI SDK as it is. */
const model = process.env["ROOKERY_MODEL"] ?? createScriptedModel();

export default defineConfig({ engines: [createAgent({ model, mailUrl })] });
