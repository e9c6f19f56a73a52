/** The one thing of AWS's environment that the SDK's clients do not take from it by themselves. */

/** Where AWS_ENDPOINT_URL points, an emulator as a rule; null for AWS itself. */
export function endpointFromEnvironment(): string | null {
  const url = process.env["AWS_ENDPOINT_URL"] ?? "";
  return url === "" ? null : url;
}
