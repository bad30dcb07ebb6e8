/** Huffman coding of HPACK strings: decoding only, because what we send is literal (RFC 7541 §5.2, Appendix B). */

/**
 * Code length of each byte 0..255 and of EOS, one base-36 digit each (0 to 9, a = 10, …). The code of Appendix B is canonical: codes of one
 * length ascend with the symbol, so the lengths alone define it.
 */
const CODE_LENGTHS =
  "dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca" +
  "d67777777777777777777777878djde6f56565666577666567655677777fbeds" +
  "kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn" +
  "qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu";
const EOS = 256;
const LONGEST_PADDING_BITS = 7;

/** One step of the automaton reads four bits: the next node, and the symbol that they complete (at most one). */
interface Automaton {
  /** Index `node * 16 + nibble` → next node, or -1 where the bits spell EOS. */
  readonly next: Int16Array;
  /** Same index → completed byte, or -1. */
  readonly symbol: Int16Array;
  /** Node → whether a string may end here: the bits since the last symbol are all ones and at most seven. */
  readonly mayEnd: Uint8Array;
}

/** Decoded bytes, or undefined where the input is not a valid coding (wrong padding, or an explicit EOS). */
export function decodeHuffman(coded: Uint8Array): Buffer | undefined {
  const { next, symbol, mayEnd } = AUTOMATON;
  // The shortest code has five bits.
  const decoded = Buffer.allocUnsafe(Math.ceil((coded.length * 8) / 5));
  let length = 0;
  let node = 0;
  for (const byte of coded) {
    for (const nibble of [byte >> 4, byte & 15]) {
      const step = node * 16 + nibble;
      const emitted = symbol[step] ?? -1;
      if (emitted >= 0) decoded[length++] = emitted;
      node = next[step] ?? -1;
      if (node < 0) return undefined;
    }
  }
  return mayEnd[node] === 1 ? decoded.subarray(0, length) : undefined;
}

function buildAutomaton(): Automaton {
  const tree = buildTree();
  const steps = tree.length * 16;
  const next = new Int16Array(steps);
  const symbol = new Int16Array(steps).fill(-1);
  for (let step = 0; step < steps; step++) {
    let node = step >> 4;
    for (let bit = 3; bit >= 0 && node >= 0; bit--) {
      const child = tree[node]?.[(step >> bit) & 1] ?? -1;
      if (child >= 0) {
        node = child;
        continue;
      }
      const leaf = -1 - child;
      node = leaf === EOS ? -1 : 0;
      if (leaf !== EOS) symbol[step] = leaf;
    }
    next[step] = node;
  }
  return { next, symbol, mayEnd: endingNodes(tree) };
}

/** Nodes of the code tree: a child is a node's index, or `-1 - symbol` for a leaf. */
function buildTree(): number[][] {
  const symbols = Array.from(CODE_LENGTHS, (digit, symbol) => ({ symbol, bits: parseInt(digit, 36) }));
  symbols.sort((a, b) => a.bits - b.bits || a.symbol - b.symbol);
  const tree: number[][] = [[]];
  let code = 0;
  let previousBits = symbols[0]?.bits ?? 0;
  for (const { symbol, bits } of symbols) {
    code <<= bits - previousBits;
    previousBits = bits;
    let node = tree[0] ?? [];
    for (let bit = bits - 1; bit > 0; bit--) {
      const direction = (code >> bit) & 1;
      let child = node[direction];
      if (child === undefined) {
        child = tree.push([]) - 1;
        node[direction] = child;
      }
      node = tree[child] ?? [];
    }
    node[code & 1] = -1 - symbol;
    code++;
  }
  return tree;
}

function endingNodes(tree: readonly (readonly number[])[]): Uint8Array {
  const mayEnd = new Uint8Array(tree.length);
  let node = 0;
  for (let bits = 0; bits <= LONGEST_PADDING_BITS; bits++) {
    mayEnd[node] = 1;
    node = tree[node]?.[1] ?? 0;
  }
  return mayEnd;
}

const AUTOMATON: Automaton = buildAutomaton();
