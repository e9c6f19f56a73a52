/** The id of a command or signal: given by its sender, so that it can be repeated, or made for it. */
import { InvalidArgumentError } from "../domain/errors.ts";

export interface SenderId {
  readonly id: string;
  /** Made for it: nobody has sent it before. */
  readonly fresh: boolean;
}

/** It becomes part of a record's key. */
const PATTERN = /^[\w.:-]{1,128}$/;

/** @throws InvalidArgumentError */
export function senderId(given: string | undefined, nonce: () => string): SenderId {
  if (given === undefined) return { id: nonce(), fresh: true };
  if (typeof given === "string" && PATTERN.test(given)) return { id: given, fresh: false };
  throw new InvalidArgumentError("id of a command or signal", "1 to 128 letters, digits and _ . : -", given);
}
