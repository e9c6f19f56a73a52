import { openEmbedded } from "rookery/embedded";
import { Briefing } from "./engine.ts";

const rookery = openEmbedded({ home: ".rookery" });
const { workId } = await rookery.enqueue(Briefing, { topics: ["nests", "calls"] }, { key: "today" });
const end = await rookery.result(Briefing, workId, { timeoutMs: 60_000 });
if (end.status === "completed") console.log(`${end.result.sections} sections, report ${end.result.report}`);
else console.log(end.status);
rookery.close();
