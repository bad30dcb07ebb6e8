/** Rendezvous hashing: every pair of a key and an address has a weight, and a key belongs to its heaviest address. */

/** FNV-1a over the UTF-16 units of `text`: cheap, and mixed well only after `rendezvousWeight`. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}

/** Of 32 bits. An address that comes or goes changes no other pair's weight. */
export function rendezvousWeight(keyHash: number, addressHash: number): number {
  // The finaliser of MurmurHash3: each bit of both hashes decides about each bit of the weight.
  let mixed = keyHash ^ Math.imul(addressHash, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
