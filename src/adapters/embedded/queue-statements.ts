/** The SQL of the queue. A message is named by its seq, its id and its receive count: together they are a receipt. */
import type { Database } from "./database.ts";

export type QueueStatements = ReturnType<typeof prepareQueueStatements>;

const READY_IN_LANE = "namespace = ? AND lane = ? AND ready = 1";
const HELD = "seq = ? AND id = ? AND receive_count = ? AND namespace = ?";
const COUNT = "SELECT count(*) AS count FROM";

export function prepareQueueStatements(database: Database) {
  const prepare = (sql: string) => database.prepare(sql);
  const hidden = "SELECT seq, lane, tenant FROM messages WHERE namespace = ? AND ready = 0 AND visible_at";
  return {
    /** What there is to do, in three steps down an index. */
    look: prepare(`SELECT
      EXISTS (SELECT 1 FROM messages WHERE namespace = ?1 AND ready = 1 AND lane IN (?2, ?3, ?4)) AS ready,
      (SELECT min(visible_at) FROM messages WHERE namespace = ?1 AND ready = 0) AS first,
      (SELECT max(visible_at) FROM messages WHERE namespace = ?1 AND ready = 0) AS last`),
    insert: prepare(`INSERT INTO messages (id, namespace, lane, tenant, ready, turn, visible_at, receive_count, body)
      VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)`),
    lowestOfLane: prepare(`SELECT turn FROM messages WHERE ${READY_IN_LANE} ORDER BY turn LIMIT 1`),
    lastOfTenant: prepare(`SELECT turn FROM messages WHERE ${READY_IN_LANE} AND tenant = ? ORDER BY turn DESC LIMIT 1`),
    hiddenUntil: prepare(`${hidden} <= ? ORDER BY visible_at LIMIT ?`),
    hiddenBeyond: prepare(`${hidden} > ? ORDER BY visible_at LIMIT ?`),
    makeReady: prepare("UPDATE messages SET ready = 1, receiver = NULL, turn = ? WHERE seq = ?"),
    take: prepare(`UPDATE messages SET ready = 0, visible_at = ?, receiver = ?, receive_count = receive_count + 1
      WHERE seq = (SELECT seq FROM messages WHERE ${READY_IN_LANE} ORDER BY turn, seq LIMIT 1)
      RETURNING seq, id, body, receive_count`),
    hide: prepare(`UPDATE messages SET ready = 0, visible_at = ?, receiver = ? WHERE ${HELD}`),
    remove: prepare(`DELETE FROM messages WHERE ${HELD}`),
    bury: prepare(
      `INSERT INTO buried (id, namespace, body, reason, at) SELECT id, namespace, body, ?, ? FROM messages WHERE ${HELD}`,
    ),
    nextReceiver: prepare("SELECT min(receiver) AS receiver FROM messages WHERE namespace = ? AND receiver > ?"),
    release: prepare("UPDATE messages SET visible_at = ?, receiver = NULL WHERE namespace = ? AND receiver = ?"),
    buried: prepare("SELECT id, body, reason, at FROM buried WHERE namespace = ? ORDER BY seq DESC LIMIT ?"),
    countReady: prepare(`${COUNT} messages WHERE namespace = ? AND ready = 1`),
    countHidden: prepare(`SELECT
        count(*) FILTER (WHERE visible_at <= ?2 OR visible_at > ?3) AS visible,
        count(*) FILTER (WHERE visible_at > ?2 AND visible_at <= ?3 AND receiver IS NULL) AS delayed,
        count(*) FILTER (WHERE visible_at > ?2 AND visible_at <= ?3 AND receiver IS NOT NULL) AS received
      FROM messages WHERE namespace = ?1 AND ready = 0`),
    countBuried: prepare(`${COUNT} buried WHERE namespace = ?`),
  };
}
