import { expect, test } from "vitest";
import { unavailable } from "./s3-errors.ts";
import type { S3Settings } from "./s3-connection.ts";

const settings: S3Settings = { bucket: "artifacts", region: "eu-west-1", pathStyle: false, prefix: "" };

/** An error as the SDK throws it: with the status of the answer, and all that was said. */
function answer(httpStatusCode: number, name: string, message = "The server says so"): Error {
  const $metadata = { httpStatusCode, requestId: "request-1" };
  const $response = { headers: { authorization: "AWS4-HMAC-SHA256 hunter2" } };
  return Object.assign(new Error(message), { name, $metadata, $response });
}
const failure = (message: string, code: string) => Object.assign(new Error(message), { code });

test.each<[string, unknown, RegExp]>([
  ["a bucket that is not there", answer(404, "NoSuchBucket"), /no bucket artifacts: create it/],
  ["a wrong key", answer(403, "InvalidAccessKeyId"), /correct AWS_ACCESS_KEY_ID/],
  ["a wrong secret", answer(403, "SignatureDoesNotMatch"), /correct AWS_ACCESS_KEY_ID/],
  ["credentials that ended", answer(400, "ExpiredToken"), /renew AWS_SESSION_TOKEN/],
  ["no credentials", Object.assign(new Error("none"), { name: "CredentialsProviderError" }), /give the pod a role/],
  ["a clock that is wrong", answer(403, "RequestTimeTooSkewed"), /clocks .* differ by more than 15 minutes/],
  ["another region", answer(301, "PermanentRedirect"), /not in the region eu-west-1/],
  ["another region, told by its signature", answer(400, "AuthorizationHeaderMalformed"), /OCTOBATCH_S3_REGION/],
  ["a full disk", answer(507, "XMinioStorageFull"), /artifacts is full/],
  ["a full quota", answer(403, "QuotaExceeded"), /artifacts is full/],
  ["too few rights", answer(403, "AccessDenied"), /s3:AbortMultipartUpload/],
  ["too few rights, without a word", answer(403, "Unknown", "UnknownError"), /HTTP 403\. Access is denied/],
  ["what it does not know", answer(501, "NotImplemented"), /has to support conditional and multipart uploads/],
  ["a busy server", answer(503, "SlowDown"), /asked again by itself/],
  ["an unknown certificate", failure("unable to verify", "UNABLE_TO_VERIFY_LEAF_SIGNATURE_CERT"), /S3_CERTIFICATES/],
  ["a name that nobody knows", failure("getaddrinfo ENOTFOUND minio", "ENOTFOUND"), /cannot be reached/],
  [
    "a server that no address reaches",
    Object.assign(new AggregateError([failure("connect 1", "ECONNREFUSED"), failure("connect 2", "ECONNREFUSED")]), {
      code: "ECONNREFUSED",
    }),
    /connect 1, connect 2, ECONNREFUSED\. It cannot be reached/,
  ],
])("says what to do about %s", (_, cause, remedy) => {
  const { message } = unavailable("put a/b", settings, cause);
  expect(message).toMatch(/^The bucket artifacts could not put a\/b: /);
  expect(message).toMatch(remedy);
});

test("keeps what finds the request again, and nothing of its headers", () => {
  const { cause } = unavailable("put a/b", settings, answer(503, "SlowDown"));
  expect(String(cause)).toBe("Error: SlowDown: The server says so. (HTTP 503, request request-1)");
  expect(JSON.stringify(cause, Object.getOwnPropertyNames(cause))).not.toContain("hunter2");
});
