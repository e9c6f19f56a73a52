/** The table of sabotages: each † rule of the design taken away, and what else a guarantee rests on. */
import type { Break } from "./break.ts";
import { alarms } from "./breaks/alarms.ts";
import { claims } from "./breaks/claims.ts";
import { effects } from "./breaks/effects.ts";
import { inbox } from "./breaks/inbox.ts";
import { messages } from "./breaks/messages.ts";
import { stores } from "./breaks/stores.ts";

export const BREAKS: readonly Break[] = [...messages, ...claims, ...alarms, ...inbox, ...effects, ...stores];
