/** Says one thing in a conversation, and prints the answer: `talk.ts <user> <text>`. */
import { join } from "node:path";
import { openEmbedded } from "rookery/embedded";
import { Chat, createChat } from "./engine.ts";
import { createScriptedModel } from "./model.ts";

const [user = "ada", text = "Hello"] = process.argv.slice(2);
/** A model id goes to the AI SDK as it is. */
const model = process.env["ROOKERY_MODEL"] ?? createScriptedModel();
const rookery = openEmbedded({ home: join(import.meta.dirname, ".rookery"), engines: [createChat(model)] });

const signal = { name: "message" as const, payload: { text } };
const { workId } = await rookery.enqueue(Chat, { user }, { key: user, ifEnded: "again", signal });
const before = (await rookery.status(workId)).logEntries;
const stop = new AbortController();
const working = rookery.work(stop.signal);
while ((await rookery.status(workId)).logEntries === before) await new Promise((resolve) => setTimeout(resolve, 20));
stop.abort();
await working;
for (const entry of await rookery.log(workId, { last: 1 })) console.log(JSON.stringify(entry));
rookery.close();
