/** The one thing of AWS's environment that the SDK's clients do not take from it by themselves. */

import { InvalidArgumentError } from "../../domain/errors.ts";

/** Where AWS_ENDPOINT_URL points, an emulator as a rule; null for AWS itself. @throws InvalidArgumentError */
export function endpointFromEnvironment(): string | null {
  const url = process.env["AWS_ENDPOINT_URL"] ?? "";
  if (url === "") return null;
  if (!URL.canParse(url)) throw new InvalidArgumentError("AWS_ENDPOINT_URL", "a URL such as http://127.0.0.1:4566", url);
  return url;
}
