/** Refusals from before the routes of the API, in its form. */
import type { ServerResponse } from "node:http";
import { type ApiErrorCode, failureOf, STATUS_OF_CODE } from "./api-error.js";

/** What else the request may bring is not read: its connection ends. */
export function refuse(response: ServerResponse, code: ApiErrorCode, message: string): void {
  response
    .writeHead(STATUS_OF_CODE[code], {
      "content-type": "application/json",
      "cache-control": "no-store",
      connection: "close",
    })
    .end(JSON.stringify(failureOf(code, message)));
}
