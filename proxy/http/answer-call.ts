/** Puts one call of the table behind its URL: checks what comes in, leaves the answer to the handler. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import { API_PREFIX, type ApiCall } from "./api-calls.js";
import { ApiError } from "./api-error.js";

/** For what only reads, or changes one row. */
const ANSWER_TIMEOUT_MS = 30_000;

export type Handler<Input, Answer> = (
  input: Input,
  exchange: { readonly request: FastifyRequest; readonly reply: FastifyReply },
) => Promise<Answer>;

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data;
  const problems = error.issues.map(({ path, message }) => [...path.map(String), message].join(": "));
  throw new ApiError("bad_request", problems.join("; "));
}

function inputOf<Input>({ input, inputFrom }: ApiCall<Input, unknown>, request: FastifyRequest): Input {
  const { params, query, body } = request as { params: object; query: object; body: unknown };
  return parse(input, inputFrom === "body" ? body : { ...query, ...params });
}

function addRoute<Input, Answer>(
  server: FastifyInstance,
  call: ApiCall<Input, unknown>,
  handler: Handler<Input, Answer>,
  limits: { readonly handlerTimeout?: number },
): void {
  server.route({
    method: call.method,
    url: API_PREFIX + call.path,
    ...limits,
    handler: (request, reply) => handler(inputOf(call, request), { request, reply }),
  });
}

/** @param handler resolves with the answer within some seconds. */
export function answerCall<Input, Answer>(
  server: FastifyInstance,
  call: ApiCall<Input, Answer>,
  handler: Handler<Input, Answer>,
): void {
  addRoute(server, call, handler, { handlerTimeout: ANSWER_TIMEOUT_MS });
}

/** @param handler resolves with the answer however late, or with undefined when it has written it by itself. */
export function answerSlowCall<Input, Answer>(
  server: FastifyInstance,
  call: ApiCall<Input, Answer>,
  handler: Handler<Input, Answer | undefined>,
): void {
  addRoute(server, call, handler, {});
}
