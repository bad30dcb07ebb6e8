/** Content.List of a farm: what the stores of all builders hold, each blob once. */
import { CONTENT } from "../../buildkit/methods.js";
import { fieldsOf } from "../../buildkit/raw-message.js";
import type { RawField } from "../../buildkit/raw-message.js";
import { askBuilders } from "./ask-builders.js";
import type { FarmCall } from "./farm-call.js";

/** ListContentResponse.info, and Info.digest. */
const INFO_FIELD = 1;
const DIGEST_FIELD = 1;

export const contentList: FarmCall = async (request, { builders, current, metadata, signal, send }) => {
  const seen = new Set<string>();
  const isNew = ({ number, content }: RawField): boolean => {
    if (number !== INFO_FIELD || content === undefined) return true;
    const digest = [...fieldsOf(content)].find((field) => field.number === DIGEST_FIELD)?.content?.toString() ?? "";
    if (seen.has(digest)) return false;
    seen.add(digest);
    return true;
  };
  await askBuilders(builders, { current, signal }, (client, limited) =>
    client.serverStream(CONTENT.list, request, { metadata, signal: limited }, (message) => {
      const fresh = [...fieldsOf(message)].filter(isNew).map(({ bytes }) => bytes);
      return fresh.length === 0 ? undefined : send(Buffer.concat(fresh));
    }),
  );
};
