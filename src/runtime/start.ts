/**
 * Starting a child: its record under the parent's key, then the item itself (DESIGN §4, Children). Any crash between is
 * completed by the next attempt that starts it, or the child never was.
 *
 * G4: a worker that lost its lease starts nobody: the record under the key is written first, then LEASE is read. Whoever
 *     ends the item by then looks for its children later, and finds the record.
 * G5: the same key is the same child, whichever step says it.
 */
import { type AnyContract, requireContract, validate } from "../domain/contract.ts";
import type { ChildOptions } from "../domain/engine.ts";
import { EffectConflictError, InvalidArgumentError, StepAbortedError } from "../domain/errors.ts";
import { parseGroup } from "../domain/group.ts";
import { generateWorkId, WORK_ID_BYTES } from "../domain/ids.ts";
import { encodeJson, type Json } from "../domain/json.ts";
import { CHILDREN_KEY, childKey, groupLimitKey, LEASE_KEY } from "../domain/keys.ts";
import { type ChildEntry, decodeChild, encodeChild, encodeChildrenMark } from "../wire/child.ts";
import { sha256 } from "../wire/digest.ts";
import { encodeGroupLimit } from "../wire/leaf.ts";
import { decodeLease } from "../wire/lease.ts";
import type { AttemptScope, Part } from "./attempt-scope.ts";
import { checkKey, checkStartOptions, create } from "./enqueue.ts";
import { MARK } from "./family.ts";
import { sendNext } from "./hints.ts";
import { groupDigest, openLeaf } from "./leaves.ts";
import { readLive } from "./live.ts";
import { put, readOne } from "./records.ts";

/** What is asked for, and found to be in order. */
export interface Wanted {
  readonly contract: AnyContract;
  /** The payload as JSON text, and its digest. */
  readonly text: string;
  readonly digest: string;
  readonly group: string | null;
  readonly options: ChildOptions;
}

/** @throws SchemaError, NotJsonError, InvalidArgumentError */
export async function checkStart(contract: AnyContract, payload: Json, options: ChildOptions): Promise<Wanted> {
  requireContract(contract);
  if (typeof options !== "object" || options === null)
    throw new InvalidArgumentError("ctx.start: options", "an object with a key", options);
  checkKey(options.key);
  checkStartOptions(options);
  const { limit, ifParentEnds } = options;
  const group = options.group === undefined ? null : parseGroup(options.group);
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1))
    throw new InvalidArgumentError("ctx.start: limit", "a whole number from 1", limit);
  if (limit !== undefined && group === null) throw new InvalidArgumentError("ctx.start: limit", "a group beside it", limit);
  if (ifParentEnds !== undefined && ifParentEnds !== "cancel" && ifParentEnds !== "leave")
    throw new InvalidArgumentError("ctx.start: ifParentEnds", "cancel or leave", ifParentEnds);
  const text = encodeJson(await validate(`payload of engine ${contract.id}`, contract.payload, payload));
  return { contract, text, digest: sha256(text), group, options };
}

/** @throws EffectConflictError, StepAbortedError */
export async function startChild(part: Part, wanted: Wanted): Promise<ChildEntry> {
  const { scope } = part;
  await markParent(scope);
  const known = scope.attempt === 1 ? null : await readOne(scope.deps, scope.partition, childKey(sha256(wanted.options.key)));
  const entry = known === null ? await enter(part, wanted) : { child: decodeChild(known), fresh: false };
  const { child } = entry;
  requireSame(scope, wanted, child);
  if (child.group?.limited === true) scope.family.toHint.add(child.group.name);
  await requireLease(scope);
  part.guard("start");
  if (entry.fresh) await createItem(scope, wanted, child);
  else await completeItem(scope, wanted, child);
  return child;
}

/** Before the first child there is: whoever ends the item looks for them. */
function markParent({ deps, partition, family, token }: AttemptScope): Promise<void> {
  return family.once(MARK, async () => {
    await put(deps, { partition, sort: CHILDREN_KEY, ...encodeChildrenMark() }, "absent", token);
  });
}

/** Writes the record of the child, unless the key has one. */
async function enter(part: Part, wanted: Wanted): Promise<{ child: ChildEntry; fresh: boolean }> {
  const { deps, partition, token, family } = part.scope;
  const { key, ifParentEnds = "cancel" } = wanted.options;
  const child: ChildEntry = {
    key,
    engine: wanted.contract.id,
    payloadDigest: wanted.digest,
    workId: generateWorkId(deps.random.bytes(WORK_ID_BYTES)),
    group: wanted.group === null ? null : await placeIn(part.scope, wanted.group, wanted.options.limit),
    ifParentEnds,
  };
  part.guard("start");
  const written = await put(deps, { partition, sort: childKey(sha256(key)), ...encodeChild(child) }, "absent", token);
  if (written.ok || written.current === null) return { child, fresh: true };
  if (child.group !== null) family.giveBack(child.group.name, child.group.slot);
  return { child: decodeChild(written.current), fresh: false };
}

async function placeIn(scope: AttemptScope, group: string, limit: number | undefined): Promise<ChildEntry["group"]> {
  const { deps, partition, token, family, head } = scope;
  await limitGroup(scope, group, limit);
  const slot = family.takeSlot(group, head.version, token);
  const name = `${group}/${slot.leaf}`;
  await family.once(`leaf ${name}`, async () => {
    const revision = await openLeaf(deps, { partition, group, leaf: slot.leaf }, token);
    if (revision !== null) family.opened.set(name, revision);
  });
  return { name: group, slot, limited: family.limited.has(group) };
}
/** The first limit that is given stands. */
async function limitGroup(
  { deps, partition, token, family }: AttemptScope,
  group: string,
  limit: number | undefined,
): Promise<void> {
  if (family.limited.has(group)) return;
  const sort = groupLimitKey(groupDigest(group));
  await family.once(`${limit === undefined ? "look for" : "set"} limit ${group}`, async () => {
    const known =
      limit === undefined
        ? await readOne(deps, partition, sort)
        : await put(
            deps,
            { partition, sort, ...encodeGroupLimit({ limit, fromLeaf: "", hinted: null, placed: [] }) },
            "absent",
            token,
          );
    if (known !== null) family.limited.add(group);
  });
}

function requireSame({ item }: AttemptScope, { contract, digest, options }: Wanted, child: ChildEntry): void {
  if (child.payloadDigest === digest && child.engine === contract.id) return;
  const [stored, given] = child.engine === contract.id ? ["", ""] : [` for engine ${child.engine}`, ` for engine ${contract.id}`];
  throw new EffectConflictError(item.workId, "child", options.key, `${child.payloadDigest}${stored}`, `${digest}${given}`);
}

/** @throws StepAbortedError when another worker has the item. */
export async function requireLease({ deps, partition, token, item, abort }: AttemptScope): Promise<void> {
  const record = await readOne(deps, partition, LEASE_KEY);
  if (record !== null && decodeLease(record).token === token) return;
  const lost = new StepAbortedError(item.workId, "its lease was lost");
  abort.fire(lost);
  throw lost;
}

async function createItem(
  { deps, item }: AttemptScope,
  { contract, text, digest, options }: Wanted,
  child: ChildEntry,
): Promise<void> {
  const { key, group, workId } = child;
  const nowMs = (): number => deps.clock.nowMs();
  const parent = { workId: item.workId, key, group };
  await create(deps, { contract, text, digest, options, signal: null, nextAtMs: nowMs, parent }, workId, nowMs());
}
/** One that is there already needs nothing but, while nobody has looked at it, the hint that may never have been sent. */
async function completeItem(scope: AttemptScope, wanted: Wanted, child: ChildEntry): Promise<void> {
  const live = await readLive(scope.deps, child.workId);
  if (live.item === null) return createItem(scope, wanted, child);
  if (live.revisions.head === "absent" && live.lease === null) await sendNext(scope.deps, live.item, live.head);
}
