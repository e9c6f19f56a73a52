/** How to go on when it is AWS that does not do as it should. */
import {
  isBadKey,
  isDenied,
  isUnreachable,
  isWithoutCredentials,
  type SdkFailure,
  sdkFailureOf,
} from "../../adapters/shared/sdk-failure.ts";

const CREDENTIALS =
  "name a profile with AWS_PROFILE (aws configure, aws sso login), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
export const ACCESS_HINT = `set AWS_REGION, or the region of a profile; ${CREDENTIALS}`;

/** Null when the failure is none of AWS's, or nothing better is known than what it says. */
export function awsHint({ cause }: Error): string | null {
  // Adapters give an error without words a cause that has some.
  const inner: unknown = cause instanceof Error ? cause.cause : undefined;
  return [cause, inner].map((one) => hintFor(sdkFailureOf(one))).find((hint) => hint !== null) ?? null;
}

function hintFor(failure: SdkFailure): string | null {
  if (isWithoutCredentials(failure)) return CREDENTIALS;
  if (isBadKey(failure)) return "sign in anew: the credentials are wrong, have expired, or belong to another partition";
  if (isDenied(failure)) return "let these credentials do it: grantOperate, grantRead and grantEnqueue of the construct";
  if (isUnreachable(failure)) return "is there a network, is the region right, and does AWS_ENDPOINT_URL (if set) answer?";
  return null;
}
