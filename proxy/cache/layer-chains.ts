/** Gives equal chains of layers of different exports one object each, and leaves out those that cannot be used. */
import type { CacheLayer, LayerBlob } from "./cache-graph.js";
import { dependenciesFirst, layerParents } from "./dependency-order.js";
import type { Digest } from "./digest.js";
import type { LayerChain } from "./merge-records.js";

interface Chain extends LayerChain {
  readonly digest: Digest;
  readonly parent: Chain | undefined;
  readonly above: Map<Digest, Chain>;
}

export class LayerChains {
  readonly #lowest = new Map<Digest, Chain>();
  readonly #blobs = new Map<string, LayerBlob>();

  /** For each layer its chain; undefined where the blob of one of its layers cannot be used. */
  of(layers: readonly CacheLayer[], isUsable: (blob: LayerBlob) => boolean): readonly (LayerChain | undefined)[] {
    const chains: (Chain | undefined)[] = Array.from({ length: layers.length });
    const order = dependenciesFirst(layers.length, layerParents(layers));
    if (order === undefined) throw new Error("a graph is free of loops");
    for (const index of order) {
      const layer = layers[index];
      if (layer === undefined) continue;
      const parent = chains[layer.parent];
      if ((layer.parent === -1 || parent !== undefined) && isUsable(layer.blob)) {
        chains[index] = this.#chain(layer.blob, parent);
      }
    }
    return chains;
  }

  /** How its highest layer is described. */
  blob({ digest }: LayerChain): LayerBlob {
    const blob = this.#blobs.get(digest);
    if (blob === undefined) throw new Error("the chain is of another synthesis");
    return blob;
  }

  #chain(blob: LayerBlob, parent: Chain | undefined): Chain {
    this.#describe(blob);
    const siblings = parent?.above ?? this.#lowest;
    const known = siblings.get(blob.digest);
    if (known !== undefined) return known;
    const chain = { digest: blob.digest, parent, above: new Map<Digest, Chain>() };
    siblings.set(blob.digest, chain);
    return chain;
  }

  /** Exports describe the same blob differently, such as when it was made; which one is taken must not be by chance. */
  #describe(blob: LayerBlob): void {
    const known = this.#blobs.get(blob.digest);
    if (known === undefined || (!areSame(blob, known) && description(blob) < description(known))) {
      this.#blobs.set(blob.digest, blob);
    }
  }
}

/** Nearly all are, and this is asked of every layer of every export. */
function areSame(a: LayerBlob, b: LayerBlob): boolean {
  if (a === b) return true;
  if (a.sizeBytes !== b.sizeBytes || a.mediaType !== b.mediaType) return false;
  for (const name in a.annotations) if (a.annotations[name] !== b.annotations[name]) return false;
  for (const name in b.annotations) if (a.annotations[name] === undefined) return false;
  return true;
}

function description({ sizeBytes, mediaType, annotations }: LayerBlob): string {
  return JSON.stringify([sizeBytes, mediaType, Object.entries(annotations).sort()]);
}
