/** Rules over the text of every tracked file: nothing in it belongs to one machine. */

const MACHINE_PATH = /(?:^|[\s"'`(=:,>]|file:\/\/)(\/(?:work|root|Users\/\w+|home\/\w+)\/[\w.-]*)/m;
const REGISTRY_HOST = /\b(?:registry|pypi|npm)\.(?:[a-z0-9-]+\.)+[a-z]{2,}\b/i;

export function machineText(path: string, text: string, hosts: readonly string[]): string[] {
  const machinePath = MACHINE_PATH.exec(text)?.[1];
  const host = REGISTRY_HOST.exec(text)?.[0] ?? hosts.find((name) => text.includes(name));
  return [
    ...(machinePath === undefined ? [] : [`${path} names a machine's path: ${machinePath}`]),
    ...(host === undefined ? [] : [`${path} names a registry's host: ${host}`]),
    ...(path.endsWith("package-lock.json") && text.includes('"resolved"') ? [`${path} says where packages came from`] : []),
  ];
}

/** The registry hosts that this machine happens to use. */
export function registryHosts(environment: Readonly<Record<string, string | undefined>>): string[] {
  const names = ["npm_config_registry", "PIP_INDEX_URL", "GOPROXY"];
  return names
    .map((name) => environment[name] ?? "")
    .filter((url) => URL.canParse(url))
    .map((url) => new URL(url).hostname)
    .filter((host) => host.includes(".") && !/^[\d.]+$/.test(host));
}
