/**
 * A ledger of four blocks whose only validators are the tests: so files can be made of what no honest validators
 * sign, and of what the corpus has not.
 *
 * Block 1 has one event, `ObjectToRoot` of department d, on trail 1 of its key and 2 of d, and changes the validators.
 * Blocks 2 and 3 have none.
 */
import { type MessageInitShape, create, toBinary } from "@bufbuild/protobuf";
import { ed25519 } from "@noble/curves/ed25519.js";
import { compare, concat, u16, u32, u64, u8, utf8 } from "../../src/bytes.js";
import { parseFounding } from "../../src/founding.js";
import { Algorithm, IdentityKind, type Validator, ValidatorSchema } from "../../src/gen/liuhen/v1/consortium_pb.js";
import { DepartmentSchema, GenesisSchema, IdentitySchema, KeySchema } from "../../src/gen/liuhen/v1/ledger_pb.js";
import { AnchorSchema, CertificateSchema, TraceSchema } from "../../src/gen/liuhen/v1/proof_pb.js";
import { ItemSchema, TransactionHeaderSchema } from "../../src/gen/liuhen/v1/transaction_pb.js";
import { ZERO, hash } from "../../src/hash.js";
import { HEADER_LOG, TRAIL_LOG, headerLeaf } from "../../src/merkle.js";
import { type Place, TRAIL, place } from "../../src/places.js";
import { keyId } from "../../src/signature.js";
import { precommitMessage, validatorsHash } from "../../src/validators.js";
import { TestMap, inclusionPath, rootOf } from "./trees.js";

export const seed = (n: number): Uint8Array => new Uint8Array(32).fill(n);

/** Validators of equal power, from seeds. */
export function validators(...seeds: number[]): { set: Validator[]; seeds: Uint8Array[] } {
  const all = seeds.map((n) => {
    const publicKey = ed25519.getPublicKey(seed(n));
    const entry = {
      keyId: keyId(publicKey),
      algorithm: Algorithm.ED25519,
      publicKey,
      cosignerKey: publicKey,
      power: 1n,
    };
    return { validator: create(ValidatorSchema, entry), secret: seed(n) };
  });
  all.sort((a, b) => compare(a.validator.keyId, b.validator.keyId));
  return { set: all.map((it) => it.validator), seeds: all.map((it) => it.secret) };
}

/** What a test may make otherwise than it should be. */
export interface Lies {
  /** The event is missing on the department's trail. */
  omits?: boolean;
  /** The key's object. */
  key?: MessageInitShape<typeof KeySchema>;
  /** The transaction's signature. */
  signature?: Uint8Array;
  /** How many of the three validators sign. */
  signers?: number;
}

const SIGNER = seed(9);
export const OLD = validators(1, 2, 3);
export const NEW = validators(4, 5, 6);

export class TestLedger {
  readonly genesis: Uint8Array;
  readonly chain: Uint8Array;
  readonly headers: Uint8Array[] = [];
  readonly map = new TestMap();
  private readonly leaves: Uint8Array[];
  private readonly objects: { at: Place; object: Uint8Array }[] = [];
  private readonly publicKey = ed25519.getPublicKey(SIGNER);
  private readonly identityId = hash("id", u8(2), keyId(this.publicKey), u64(2n ** 64n - 1n));
  readonly transaction: { header: Uint8Array; signature: Uint8Array };
  readonly item = toBinary(
    ItemSchema,
    create(ItemSchema, { nonce: new Uint8Array(16), kind: { case: "objectToRoot", value: { department: "d" } } }),
  );
  readonly leaf: Uint8Array;

  constructor(private readonly lies: Lies = {}) {
    const document = { name: "dev-test", protocol: 1, suite: 1, timeMs: 1000n, validators: OLD.set };
    this.genesis = toBinary(GenesisSchema, create(GenesisSchema, document));
    const founding = parseFounding(this.genesis);
    this.chain = founding.chain;
    this.leaves = [founding.headerId()];
    this.transaction = this.sign();
    this.leaf = this.leafOf();
    this.fillMap();
    const eventsRoot = hash("leaf", this.leaf);
    for (const height of [1, 2, 3]) {
      const [own, next] = height === 1 ? [OLD, NEW] : [NEW, NEW];
      const [count, root] = height === 1 ? [1, eventsRoot] : [0, TRAIL_LOG.empty()];
      this.addHeader(height, own.set, next.set, count, root);
    }
  }

  private addHeader(height: number, own: Validator[], next: Validator[], count: number, eventsRoot: Uint8Array): void {
    const begin = concat(
      utf8("LHB1"),
      u32(1),
      u32(1),
      this.chain,
      u64(BigInt(height)),
      u64(1000n + BigInt(height)),
      ZERO,
      ZERO,
    );
    const roots = concat(rootOf(HEADER_LOG, this.leaves), u32(count), eventsRoot, this.map.root());
    const header = concat(begin, roots, validatorsHash(own), validatorsHash(next));
    this.headers[height] = header;
    this.leaves.push(headerLeaf(header));
  }

  private sign(): { header: Uint8Array; signature: Uint8Array } {
    const fields = {
      chainId: this.chain,
      keyId: keyId(this.publicKey),
      recentBlockId: this.leaves[0] as Uint8Array,
      claimedTimeMs: 1000n,
      itemCount: 1,
      itemsRoot: hash("item", this.item),
      department: "d",
      identityId: this.identityId,
    };
    const header = toBinary(TransactionHeaderSchema, create(TransactionHeaderSchema, fields));
    const signature = this.lies.signature ?? ed25519.sign(concat(utf8("liuhen/tx/v1\n"), header), SIGNER);
    return { header, signature };
  }

  private leafOf(): Uint8Array {
    const { header, signature } = this.transaction;
    const id = hash("tx", u32(header.length), header, signature);
    return concat(u64(1n), u32(0), u64(1001n), id, u32(0), hash("item", this.item), u16(0));
  }

  private fillMap(): void {
    const always = [{}];
    const key = {
      keyId: keyId(this.publicKey),
      algorithm: Algorithm.ED25519,
      publicKey: this.publicKey,
      identityId: this.identityId,
      department: "d",
      standing: always,
      ...this.lies.key,
    };
    const identity = {
      identityId: this.identityId,
      department: "d",
      code: "root",
      kind: IdentityKind.ROOT,
      standing: always,
    };
    const department = { code: "d", body: "b", standing: always };
    this.put(
      place.key(keyId(this.publicKey)),
      toBinary(KeySchema, create(KeySchema, key as MessageInitShape<typeof KeySchema>)),
    );
    this.put(place.identity(this.identityId), toBinary(IdentitySchema, create(IdentitySchema, identity)));
    this.put(place.department("d"), toBinary(DepartmentSchema, create(DepartmentSchema, department)));
    const head = hash("trail", u64(1n), hash("leaf", this.leaf));
    this.map.set({ kind: TRAIL.key, id: keyId(this.publicKey) }, head);
    if (this.lies.omits !== true) this.map.set({ kind: TRAIL.department, id: utf8("d") }, head);
  }

  private put(at: Place, object: Uint8Array): void {
    this.objects.push({ at, object });
    this.map.set(at, hash("object", object));
  }

  /** The signer's key, identity and department, with their paths. */
  signers(count = 3) {
    return this.objects
      .slice(0, count)
      .map(({ at, object }) => ({ kind: at.kind, id: at.id, object, path: this.map.path(at) }));
  }

  headerPath(height: number, size: number): Uint8Array[] {
    return inclusionPath(HEADER_LOG, height, this.leaves.slice(0, size));
  }

  /** The root of headers 0 … size − 1. */
  logRoot(size: number): Uint8Array {
    return rootOf(HEADER_LOG, this.leaves.slice(0, size));
  }

  certificate(height: number) {
    const { set, seeds } = height === 1 ? OLD : NEW;
    const blockId = this.leaves[height] as Uint8Array;
    const message = precommitMessage(this.chain, BigInt(height), 0, blockId);
    const all = set.map((it, at) => ({ keyId: it.keyId, signature: ed25519.sign(message, seeds[at] as Uint8Array) }));
    return create(CertificateSchema, {
      height: BigInt(height),
      blockId,
      signatures: all.slice(0, this.lies.signers ?? 3),
    });
  }

  /** From genesis: block 3, with the change that block 1 made. */
  anchor() {
    const change = {
      header: this.headers[1] as Uint8Array,
      certificate: this.certificate(1),
      next: { validators: NEW.set },
    };
    return create(AnchorSchema, {
      header: this.headers[3] as Uint8Array,
      certificate: this.certificate(3),
      changes: [change],
    });
  }

  /** For a checkpoint of headers 0 and 1. */
  pinned() {
    const pin = {
      size: 2n,
      header: this.headers[1] as Uint8Array,
      path: this.headerPath(1, 2),
      next: { validators: NEW.set },
    };
    return create(AnchorSchema, { header: this.headers[3] as Uint8Array, certificate: this.certificate(3), pin });
  }

  checkpoint(size = 2): string {
    const root = Buffer.from(this.logRoot(size)).toString("base64");
    return `liuhen/${Buffer.from(this.chain).toString("hex")}\n${size}\n${root}\n\n— somebody c2lnbmF0dXJl\n`;
  }

  inclusion() {
    return {
      event: { leaf: this.leaf, item: this.item },
      header: this.headers[1] as Uint8Array,
      headerPath: this.headerPath(1, 3),
    };
  }

  /** The trail of the department, whole. */
  departmentTrail() {
    const trail = {
      trailKind: TRAIL.department,
      trailId: utf8("d"),
      range: 1,
      path: this.map.path({ kind: TRAIL.department, id: utf8("d") }),
    };
    if (this.lies.omits === true) return trail;
    return { ...trail, size: 1n, root: hash("leaf", this.leaf), events: [{ leaf: this.leaf, item: this.item }] };
  }

  trace(
    claim: MessageInitShape<typeof TraceSchema>["claim"],
    parts: MessageInitShape<typeof TraceSchema> = {},
  ): Uint8Array {
    const file = {
      magic: "LIUHEN-TRACE-1",
      chainId: this.chain,
      anchor: this.anchor(),
      transactions: [this.transaction],
      objects: this.signers(),
      ...parts,
      ...(claim && { claim }),
    };
    return toBinary(TraceSchema, create(TraceSchema, file as MessageInitShape<typeof TraceSchema>));
  }
}
