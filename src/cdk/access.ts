/**
 * Who may do what, statement by statement. Whoever works by the store's protocol reads and writes records: what they
 * mean is nothing that IAM could tell apart. What it can tell apart it does: deleting, the indexes, receiving, blobs.
 */

import type { Table } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { TABLE } from "../adapters/dynamodb/table.ts";
import type { Queues } from "./queues.ts";

/** What a deployment is made of. */
export interface Parts {
  readonly table: Table;
  readonly bucket: Bucket;
  readonly queues: Queues;
  readonly deadLetterQueue: Queue;
}

export interface Permission {
  /** Letters and digits. */
  readonly name: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

export function statementOf({ name, actions, resources }: Permission): PolicyStatement {
  return new PolicyStatement({ sid: name, actions: [...actions], resources: [...resources] });
}

const READ = ["dynamodb:GetItem", "dynamodb:Query"];
const WRITE = [...READ, "dynamodb:PutItem"];
const REMOVE = [...WRITE, "dynamodb:DeleteItem"];

const records = (actions: readonly string[], { table }: Parts): Permission => ({
  name: "Records",
  actions,
  resources: [table.tableArn],
});
const index = (name: string, indexName: string, { table }: Parts): Permission => ({
  name,
  actions: ["dynamodb:Query"],
  resources: [`${table.tableArn}/index/${indexName}`],
});
const alarms = (parts: Parts): Permission => index("Alarms", TABLE.due.index, parts);
const listing = (parts: Parts): Permission => index("Listing", TABLE.list.index, parts);
const blobs = (actions: readonly string[], { bucket }: Parts): Permission => ({
  name: "Blobs",
  actions,
  resources: [bucket.arnForObjects("*")],
});
/** Without it a blob that is missing is told as forbidden. */
const whichBlobs = ({ bucket }: Parts): Permission => ({
  name: "WhichBlobs",
  actions: ["s3:ListBucket"],
  resources: [bucket.bucketArn],
});
const hints = (actions: readonly string[], { queues }: Parts): Permission => ({
  name: "Hints",
  actions,
  resources: Object.values(queues).map(({ queueArn }) => queueArn),
});
const deadLetters = (actions: readonly string[], { deadLetterQueue }: Parts): Permission => ({
  name: "DeadLetters",
  actions,
  resources: [deadLetterQueue.queueArn],
});

const SEND = ["sqs:SendMessage"];
const COUNT = ["sqs:GetQueueAttributes"];
/** What was received and not removed is given back. */
const PEEK = ["sqs:ReceiveMessage", "sqs:ChangeMessageVisibility"];
/** Receiving, deleting and counting is what the event source wants of a function's role. */
const WORK_OFF = [...SEND, ...PEEK, "sqs:DeleteMessage", ...COUNT];
/** A stream is uploaded in parts, and taken away where it lay until its digest was known. */
const UPLOAD = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"];

export function workerPermissions(parts: Parts): Permission[] {
  return [
    records(REMOVE, parts),
    hints(WORK_OFF, parts),
    deadLetters(SEND, parts),
    blobs(["s3:GetObject", ...UPLOAD], parts),
    whichBlobs(parts),
  ];
}
/** It never runs a step: it takes blobs away, with uploads that never ended, and reads none. */
export function sweeperPermissions(parts: Parts): Permission[] {
  return [
    records(REMOVE, parts),
    alarms(parts),
    hints(SEND, parts),
    deadLetters([...PEEK, "sqs:DeleteMessage"], parts),
    blobs(["s3:DeleteObject", "s3:AbortMultipartUpload"], parts),
    { ...whichBlobs(parts), actions: ["s3:ListBucket", "s3:ListBucketMultipartUploads"] },
  ];
}
/** All that a client can do. */
export function httpPermissions(parts: Parts): Permission[] {
  return [
    records(WRITE, parts),
    listing(parts),
    hints(SEND, parts),
    blobs(["s3:GetObject", "s3:PutObject"], parts),
    whichBlobs(parts),
  ];
}
/** Anybody may call it: it reads no blob. */
export function callbackPermissions(parts: Parts): Permission[] {
  return [records(WRITE, parts), hints(SEND, parts), blobs(["s3:PutObject"], parts)];
}

export function enqueuePermissions(parts: Parts): Permission[] {
  return [records(WRITE, parts), hints(SEND, parts), blobs(["s3:PutObject"], parts)];
}
export function readPermissions(parts: Parts): Permission[] {
  return [records(READ, parts), listing(parts), blobs(["s3:GetObject"], parts), whichBlobs(parts)];
}
/** As the HTTP function; and a look at the table and the queues, for `rookery doctor`. */
export function operatePermissions(parts: Parts): Permission[] {
  return [
    ...httpPermissions(parts),
    {
      ...records(["dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:DescribeContinuousBackups"], parts),
      name: "Shape",
    },
    { ...hints(COUNT, parts), name: "Depths" },
    deadLetters([...PEEK, ...COUNT], parts),
  ];
}
/** As the worker's function, and a sweep: a worker that is no function sweeps, too, unless it is told not to. */
export function workPermissions(parts: Parts): Permission[] {
  return [
    ...workerPermissions(parts),
    alarms(parts),
    { ...whichBlobs(parts), name: "Uploads", actions: ["s3:ListBucketMultipartUploads"] },
  ];
}
