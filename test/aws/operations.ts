/** Requests to AWS on the wire: which operation they are of, and how its service refuses one. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

export type Service = "dynamodb" | "sqs" | "s3";
export interface Operation {
  readonly service: Service;
  readonly name: string;
}

const TARGETS: Readonly<Record<string, Service>> = { DynamoDB_20120810: "dynamodb", AmazonSQS: "sqs" };

/** Of JSON protocols by their header; everything else is S3, by method and query. */
export function operationOf({ headers, method = "", url = "" }: Pick<IncomingMessage, "headers" | "method" | "url">): Operation {
  const [target = "", name] = String(headers["x-amz-target"] ?? "").split(".");
  if (name !== undefined) return { service: TARGETS[target] ?? "dynamodb", name };
  const query = new URL(url, "http://s3").searchParams;
  if (method === "POST") return { service: "s3", name: query.has("delete") ? "DeleteObjects" : "CreateMultipartUpload" };
  if (method === "GET" && query.has("list-type")) return { service: "s3", name: "ListObjectsV2" };
  if (method === "GET" && query.has("uploads")) return { service: "s3", name: "ListMultipartUploads" };
  return { service: "s3", name: `${method.slice(0, 1)}${method.slice(1).toLowerCase()}Object` };
}

export interface Refusal {
  readonly status: number;
  readonly error: string;
}
/** Too much at once, as each service says it. */
export const THROTTLED: Readonly<Record<Service, Refusal>> = {
  dynamodb: { status: 400, error: "ProvisionedThroughputExceededException" },
  sqs: { status: 400, error: "RequestThrottled" },
  s3: { status: 503, error: "SlowDown" },
};
export const FAILED: Readonly<Record<Service, Refusal>> = {
  dynamodb: { status: 500, error: "InternalServerError" },
  sqs: { status: 500, error: "InternalFailure" },
  s3: { status: 500, error: "InternalError" },
};

export interface RefusedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}
export function refusalOf({ service }: Operation, { status, error }: Refusal): RefusedAnswer {
  const message = `because of ${error}`;
  if (service === "s3") {
    const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${error}</Code><Message>${message}</Message></Error>`;
    return { status, headers: { "content-type": "application/xml" }, body: Buffer.from(xml) };
  }
  const name = service === "sqs" ? `com.amazonaws.sqs#${error}` : `com.amazonaws.dynamodb.v20120810#${error}`;
  const query = service === "sqs" ? { "x-amzn-query-error": `${error};Sender` } : {};
  const headers = { "content-type": "application/x-amz-json-1.0", ...query };
  return { status, headers, body: Buffer.from(JSON.stringify({ __type: name, message })) };
}
