/** Validator sets, votes, certificates: how a header becomes the validators' word. */
import { compare, concat, equal, isAscending, u16, u32, u64, u8, utf8 } from "./bytes.js";
import { Algorithm, type Validator } from "./gen/liuhen/v1/consortium_pb.js";
import type { Certificate } from "./gen/liuhen/v1/proof_pb.js";
import { hash } from "./hash.js";
import type { Header } from "./header.js";
import { ED25519, isUsableKey, keyId, verifies } from "./signature.js";
import { demand } from "./verdict.js";

const MAX_VALIDATORS = 128;
/** What the powers of a set add up to at most: the engine counts in 64 bits, and multiplies by three. */
const MAX_TOTAL_POWER = 1n << 60n;
const PRECOMMIT = 2;

/**
 * Whether messages are a validator set: 1 to 128, ascending by key id, usable keys, powers above 0 that add up to
 * 2⁶⁰ at most.
 */
export function isValidatorSet(validators: readonly Validator[]): boolean {
  const count = validators.length;
  return (
    count >= 1 &&
    count <= MAX_VALIDATORS &&
    isAscending(validators, (a, b) => compare(a.keyId, b.keyId)) &&
    validators.every(isValidator) &&
    validators.reduce((sum, it) => sum + it.power, 0n) <= MAX_TOTAL_POWER
  );
}

function isValidator(it: Validator): boolean {
  return (
    it.algorithm === Algorithm.ED25519 &&
    isUsableKey(it.publicKey) &&
    isUsableKey(it.cosignerKey) &&
    equal(it.keyId, keyId(it.publicKey)) &&
    it.power > 0n
  );
}

/**
 * `H_validators(count u32 ‖ for each: key id ‖ algorithm u8 ‖ length u16 ‖ public key ‖ cosigner key ‖ power u64)`
 * of a validator set.
 */
export function validatorsHash(validators: readonly Validator[]): Uint8Array {
  const entries = validators.map((it) =>
    concat(it.keyId, u8(ED25519), u16(it.publicKey.length), it.publicKey, it.cosignerKey, u64(it.power)),
  );
  return hash("validators", u32(validators.length), ...entries);
}

/** What a validator signs to precommit a block. */
export function precommitMessage(chain: Uint8Array, height: bigint, round: number, block: Uint8Array): Uint8Array {
  const isNil = 0;
  return concat(utf8("liuhen/vote/v1\n"), chain, u8(PRECOMMIT), u64(height), u32(round), u8(isNil), block);
}

/**
 * Checks that more than two thirds of the power signed a header. Any unknown, repeated or bad signature
 * throws `certificate.bad`, whatever the rest amounts to.
 */
export function checkCertificate(
  certificate: Certificate | undefined,
  header: Header,
  validators: readonly Validator[],
): void {
  demand(certificate !== undefined, "certificate.none", `header ${header.height} has no certificate`);
  const isGood = (holds: boolean, why: string): void => demand(holds, "certificate.bad", why);
  const { height, round, blockId, signatures } = certificate;
  isGood(height === header.height && equal(blockId, header.id), "it is for another block or height");
  isGood(
    isAscending(signatures, (a, b) => compare(a.keyId, b.keyId)),
    "its signatures are out of order",
  );
  const message = precommitMessage(header.chain, height, round, blockId);
  let signed = 0n;
  for (const { keyId: signer, signature } of signatures) {
    const validator = validators.find((it) => equal(it.keyId, signer));
    isGood(validator !== undefined, "a signer is no validator of this height");
    isGood(verifies(validator!.publicKey, message, signature), "a signature is bad");
    signed += validator!.power;
  }
  const total = validators.reduce((sum, it) => sum + it.power, 0n);
  isGood(3n * signed > 2n * total, `signed by ${signed} of ${total} of the power`);
}
