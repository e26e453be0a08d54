/** Transactions without their items: the signed header, and the ids that follow from it. */
import { MAX_U64, concat, equal, u32, u64, u8, utf8 } from "./bytes.js";
import { tryDecode } from "./canonical.js";
import { type TransactionHeader, TransactionHeaderSchema } from "./gen/liuhen/v1/transaction_pb.js";
import type { ProvedTransaction } from "./gen/liuhen/v1/proof_pb.js";
import { HASH_BYTES, hash } from "./hash.js";
import { isCode } from "./places.js";
import { SIGNATURE_BYTES } from "./signature.js";
import { demand } from "./verdict.js";

const MAX_HEADER_BYTES = 1024;

/** What an id made from an event is of. */
export const ID = {
  request: 1,
  identity: 2,
  proposal: 3,
  case: 4,
  product: 5,
  correction: 6,
  sealingOrder: 7,
} as const;

export interface Transaction {
  header: TransactionHeader;
  /** What was signed: the line `liuhen/tx/v1`, and the header's bytes. */
  message: Uint8Array;
  signature: Uint8Array;
  /** `H_tx(length of the header u32 ‖ header ‖ signature)`. */
  id: Uint8Array;
}

/** Reads a transaction's header and signature. Throws `transaction.malformed`, `chain.other`. Its signature is judged apart. */
export function parseTransaction(given: ProvedTransaction, chain: Uint8Array): Transaction {
  const { header: bytes, signature } = given;
  const header = tryDecode(TransactionHeaderSchema, bytes, MAX_HEADER_BYTES);
  demand(header !== undefined && isHeader(header), "transaction.malformed", "no transaction's header");
  demand(equal(header.chainId, chain), "chain.other", "a transaction of another chain");
  demand(signature.length === SIGNATURE_BYTES, "transaction.malformed", "a signature has 64 bytes");
  const message = concat(utf8("liuhen/tx/v1\n"), bytes);
  return { header, message, signature, id: hash("tx", u32(bytes.length), bytes, signature) };
}

function isHeader(it: TransactionHeader): boolean {
  const ids = [it.chainId, it.keyId, it.recentBlockId, it.itemsRoot, it.identityId];
  return (
    ids.every((id) => id.length === HASH_BYTES) &&
    it.itemCount > 0 &&
    it.seq + BigInt(it.itemCount) <= MAX_U64 &&
    isCode(it.department)
  );
}

/** The number of the event that item `item` makes, on its key's trail. */
export function numberOf(header: TransactionHeader, item: number): bigint {
  return header.seq + BigInt(item);
}

/** `H_id(kind u8 ‖ key id ‖ number u64)`: the id of what item `item` makes. */
export function made(kind: number, { header, number: item }: { header: TransactionHeader; number: number }): Uint8Array {
  return hash("id", u8(kind), header.keyId, u64(numberOf(header, item)));
}
