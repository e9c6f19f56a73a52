/** What every function starts from. The only reader of the functions' environment. */
import { Logger as PowertoolsLogger } from "@aws-lambda-powertools/logger";
import { MetricUnit, Metrics as PowertoolsMetrics } from "@aws-lambda-powertools/metrics";
import { createSystemRandom } from "../adapters/node/random.ts";
import { createSandboxProcess } from "../adapters/node/sandbox.ts";
import { type AwsWorld, type AwsWorldOptions, createAwsWorld } from "../aws.ts";
import { InvalidArgumentError } from "../domain/errors.ts";
import type { Logger } from "../ports/logger.ts";
import type { Metrics } from "../ports/metrics.ts";
import { patientOf } from "../runtime/rookery.ts";
import type { Settings } from "../runtime/settings.ts";
import { type Deployment, decodeDeployment } from "../wire/deployment.ts";
import { ENVIRONMENT, METRICS, METRICS_NAMESPACE } from "../wire/environment.ts";

export interface FunctionWorld extends AwsWorld {
  readonly deployment: Deployment;
  /** The function's own name; for one that invokes itself. */
  readonly functionName: string;
  /** Writes what was counted; nothing when nothing was. */
  publishMetrics(): void;
  /** The invocation fails with it. */
  endSandbox(): never;
}

/** Once for the life of a sandbox, when its module is loaded. @throws InvalidArgumentError */
export function createFunctionWorld(options: Pick<AwsWorldOptions, "meter"> = {}): FunctionWorld {
  const { env } = process;
  const deployment = decodeDeployment(env[ENVIRONMENT.deployment] ?? "", `environment variable ${ENVIRONMENT.deployment}`);
  const powertools = new PowertoolsMetrics({ namespace: METRICS_NAMESPACE });
  const world = createAwsWorld({
    deployment,
    place: {},
    namespace: deployment.namespace,
    logger: createLogger(env["POWERTOOLS_LOG_LEVEL"] === undefined),
    metrics: { count: (metric) => powertools.addMetric(METRICS[metric], MetricUnit.Count, 1) } satisfies Metrics,
    processes: createSandboxProcess(env["AWS_LAMBDA_LOG_STREAM_NAME"] ?? "unknown", createSystemRandom()),
    settings: settingsFrom(env[ENVIRONMENT.settings]),
    ...options,
  });
  return {
    ...world,
    deps: patientOf(world.deps),
    deployment,
    functionName: env["AWS_LAMBDA_FUNCTION_NAME"] ?? "",
    publishMetrics: () => {
      if (powertools.hasStoredMetrics()) powertools.publishStoredMetrics();
    },
    endSandbox: () => process.exit(1),
  };
}

/** Warnings and errors, unless the environment asks for more: a line per step would cost as much as the step. */
function createLogger(quiet: boolean): Logger {
  const powertools = new PowertoolsLogger(quiet ? { logLevel: "WARN" } : {});
  return {
    debug: (message, fields = {}) => powertools.debug(message, { ...fields }),
    info: (message, fields = {}) => powertools.info(message, { ...fields }),
    warn: (message, fields = {}) => powertools.warn(message, { ...fields }),
    error: (message, fields = {}) => powertools.error(message, { ...fields }),
  };
}

function settingsFrom(text = "{}"): Partial<Settings> {
  try {
    const settings: unknown = JSON.parse(text);
    if (typeof settings === "object" && settings !== null) return settings;
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError(`environment variable ${ENVIRONMENT.settings}`, "a JSON object of settings", text);
}
