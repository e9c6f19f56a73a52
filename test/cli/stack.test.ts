/** A stack in AWS named on the command line: when it is meant, and what is said where nobody can be reached. Needs no AWS. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import manifest from "../../package.json" with { type: "json" };
import { type GlobalFlags, resolveContext } from "../../src/cli/context.ts";
import { suggestion } from "../../src/cli/next-steps.ts";
import { AWS_PACKAGES } from "../../src/cli/store.ts";
import { call, killStarted, ROOT, scratch, start } from "./support.ts";

const folder = scratch();
afterAll(() => {
  killStarted();
  folder.remove();
});

describe("a stack", () => {
  const INDEX = JSON.stringify(pathToFileURL(join(ROOT, "src/index.ts")).href);
  const config = (fields: string): void =>
    writeFileSync(
      join(folder.path, "rookery.config.ts"),
      `import { defineConfig } from ${INDEX};\nexport default defineConfig({ engines: [], ${fields} });\n`,
    );
  const meant = async (flags: GlobalFlags, env: Record<string, string> = {}): Promise<string> => {
    const { where } = await resolveContext({ ...flags, config: "rookery.config.ts" }, { env, cwd: folder.path });
    const place = where.kind === "home" ? where.home : where.stack;
    return `${where.kind} ${place.value.replace(`${folder.path}/`, "")} by ${place.from}, ${where.namespace?.value ?? "its own"}`;
  };
  const both = { ROOKERY_STACK: "FromEnv", ROOKERY_HOME: "env-home" };

  test("is meant by the flag, then the environment, then the config; a home that is told more nearly goes before it", async () => {
    config('stack: "Configured", home: "data"');
    expect(await meant({ stack: "Flagged" }, both)).toBe("stack Flagged by flag, its own");
    expect(await meant({ home: "flag-home" }, both)).toBe("home flag-home by flag, default");
    expect(await meant({}, both)).toBe("stack FromEnv by environment, its own");
    expect(await meant({}, { ROOKERY_HOME: "env-home" })).toBe("home env-home by environment, default");
    expect(await meant({}, { ROOKERY_STACK: "" })).toBe("stack Configured by config, its own");
  });
  test("has the namespace that it was deployed with, unless one is told", async () => {
    expect(await meant({ stack: "A", namespace: "flagged" })).toBe("stack A by flag, flagged");
    expect(await meant({ stack: "A" }, { ROOKERY_NAMESPACE: "from-env" })).toBe("stack A by flag, from-env");
  });
  test("has no home beside it", async () => {
    expect(await call(["list", "--stack", "A", "--home", "b"])).toEqual({
      code: 2,
      stdout: "",
      stderr: "rookery: expected --home or --stack, got both: a stack in AWS has no home\n",
    });
  });
  test("is named again by what is proposed", () => {
    expect(suggestion({ flags: { stack: "Mine", namespace: "n" } }, "worker")).toBe("rookery worker --stack Mine --namespace n");
  });
  test("is asked for by a name that CloudFormation knows", async () => {
    const { code, stderr } = await call(["list", "--stack", "no good"]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'rookery: stack: expected the name of a CloudFormation stack, got "no good"\n',
    });
  });
});

describe("without AWS", () => {
  const KEYS = { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" };
  const setting = (variables: Readonly<Record<string, string | undefined>>): void => {
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  };
  beforeEach(() => {
    const nobody = join(folder.path, "none");
    for (const name of Object.keys(process.env).filter((one) => one.startsWith("AWS_"))) vi.stubEnv(name, undefined);
    setting({ AWS_CONFIG_FILE: nobody, AWS_SHARED_CREDENTIALS_FILE: nobody, AWS_EC2_METADATA_DISABLED: "true" });
  });
  afterEach(() => void vi.unstubAllEnvs());

  const CASES: readonly [name: string, env: Readonly<Record<string, string>>, code: number, says: RegExp][] = [
    ["a region", KEYS, 1, /^rookery: no access to AWS for stack "Mine": no region is set\n {2}hint: set AWS_REGION/],
    [
      "credentials",
      { AWS_REGION: "eu-west-1" },
      1,
      /^rookery: no access to AWS for stack "Mine": Could not load credentials.*\n {2}hint: name a profile with AWS_PROFILE/,
    ],
    [
      "anybody at the endpoint",
      { ...KEYS, AWS_REGION: "eu-west-1", AWS_ENDPOINT_URL: "http://127.0.0.1:1" },
      1,
      /^rookery: GetParameter of \/rookery\/Mine\/deployment in region eu-west-1: .*ECONNREFUSED.*\n {2}hint: .*AWS_ENDPOINT_URL/,
    ],
    [
      "an endpoint that is one",
      { ...KEYS, AWS_REGION: "eu-west-1", AWS_ENDPOINT_URL: "nonsense" },
      2,
      /^rookery: AWS_ENDPOINT_URL: expected a URL such as .*, got "nonsense"\n/,
    ],
  ];
  test.each(CASES)("%s: a command says so, and the doctor does", async (_name, env, code, says) => {
    setting(env);
    const listed = await call(["list", "--stack", "Mine"]);
    expect(listed).toMatchObject({ code, stdout: "" });
    expect(listed.stderr).toMatch(says);
    const examined = await call(["doctor", "--stack", "Mine", "--json"]);
    const { checks } = Report.parse(JSON.parse(examined.stdout));
    expect(examined.code).toBe(1);
    expect(checks.filter(({ state }) => state === "wrong")).toMatchObject([{ name: expect.stringMatching(/^(access|stack)$/) }]);
  });
});
const Report = z.object({ checks: z.array(z.object({ name: z.string(), state: z.string() })) });

test("where the AWS SDK is not installed, it says what to install", async () => {
  const gone = `import { registerHooks } from "node:module";
    registerHooks({ resolve(name, context, next) {
      if (!name.startsWith("@aws-sdk/")) return next(name, context);
      throw Object.assign(new Error(\`Cannot find package '\${name}' imported from here\`), { code: "ERR_MODULE_NOT_FOUND" });
    } });`;
  const without = (...argv: string[]) => start(argv, {}, ["--import", `data:text/javascript,${encodeURIComponent(gone)}`]).ended;
  const [listed, worked, examined] = await Promise.all([
    without("list", "--stack", "Mine"),
    without("worker", "--stack", "Mine"),
    without("doctor", "--stack", "Mine"),
  ]);
  const hint = `npm install ${AWS_PACKAGES.join(" ")}`;
  for (const { code, stderr } of [listed, worked]) {
    expect(code).toBe(1);
    expect(stderr).toMatch(/a stack needs the AWS SDK, and @aws-sdk\/[\w-]+ is not installed here/);
    expect(stderr).toContain(hint);
  }
  expect(examined.stdout.replaceAll(/\s+/g, " ")).toContain(`-> ${hint}`);
});
test("what it says to install is what the adapters import, and is a peer", () => {
  const adapters = join(ROOT, "src/adapters");
  const files = readdirSync(adapters, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const texts = [...files.map((name) => join(adapters, name)), join(ROOT, "src/aws.ts")].map((path) =>
    readFileSync(path, "utf8"),
  );
  const imported = texts.flatMap((text) => [...text.matchAll(/from "(@aws-sdk\/[^"]+)"/g)].map(([, name]) => name));
  expect([...new Set(imported)].sort()).toEqual(AWS_PACKAGES);
  expect(Object.keys(manifest.peerDependencies)).toEqual(expect.arrayContaining([...AWS_PACKAGES]));
});
