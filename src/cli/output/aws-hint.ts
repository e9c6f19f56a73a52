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
export function awsHint(thrown: unknown): string | null {
  return (
    causesOf(thrown)
      .map(hintFor)
      .find((hint) => hint !== null) ?? null
  );
}
/** Whether AWS knew who asked, and would not. */
export function isRefusedByAws(thrown: unknown): boolean {
  return causesOf(thrown).some((failure) => isDenied(failure) && !isBadKey(failure));
}
/** Adapters give an error of the SDK without words another one that has some. */
function causesOf(thrown: unknown): SdkFailure[] {
  const cause: unknown = thrown instanceof Error ? thrown.cause : undefined;
  const inner: unknown = cause instanceof Error ? cause.cause : undefined;
  return [cause, inner].map(sdkFailureOf);
}

function hintFor(failure: SdkFailure): string | null {
  if (isWithoutCredentials(failure)) return CREDENTIALS;
  if (isBadKey(failure)) return "sign in anew: the credentials are wrong, have expired, or belong to another partition";
  if (isDenied(failure)) return "let these credentials do it: grantOperate of the construct Rookery, or grantWork to work";
  if (isUnreachable(failure)) return "is there a network, is the region right, and does AWS_ENDPOINT_URL (if set) answer?";
  return null;
}
