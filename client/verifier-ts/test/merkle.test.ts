/** Logs and the map, against published vectors and against their definitions. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { blake3 } from "@noble/hashes/blake3.js";
import { hex, u8, utf8 } from "../src/bytes.js";
import { hash, sha256 } from "../src/hash.js";
import { isWellFormed, holds, lacks } from "../src/map.js";
import { HEADER_LOG, TRAIL_LOG, headerLeaf, isConsistent, rootOfInclusion, rootOfRange } from "../src/merkle.js";
import { create } from "@bufbuild/protobuf";
import { MapProofSchema } from "../src/gen/liuhen/v1/proof_pb.js";
import { TestMap, consistencyPath, inclusionPath, rangeHashes, rootOf } from "./support/trees.js";

/** The leaves of the certificate-transparency project's test tree, and its roots by size. */
const INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
const LEAVES = INPUTS.map((input) => headerLeaf(Uint8Array.from(Buffer.from(input, "hex"))));

test("the header log is that of RFC 6962", () => {
  for (let size = 0; size <= LEAVES.length; size++) {
    assert.equal(hex(rootOf(HEADER_LOG, LEAVES.slice(0, size))), ROOTS[size]);
  }
});

test("BLAKE3's own vectors, and the domains made from it", () => {
  const empty = new Uint8Array(0);
  assert.equal(hex(blake3(empty)), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
  const key = utf8("whats the Elvish word for friend");
  assert.equal(hex(blake3(empty, { key })), "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26");
  const context = utf8("BLAKE3 2019-12-27 16:29:52 test vectors context");
  assert.equal(hex(blake3(empty, { context })), "2cc39783c223154fea8dfb7c1b1660f2ac2dcbd1c1de8277b0b0dd39b7e50d7d");
  const byHand = blake3(utf8("x"), { key: blake3(empty, { context: utf8("liuhen v1 item") }) });
  assert.deepEqual(hash("item", utf8("x")), byHand);
  assert.notDeepEqual(hash("leaf", utf8("x")), byHand);
});

for (const [name, log] of [
  ["header", HEADER_LOG],
  ["trail", TRAIL_LOG],
] as const) {
  const leaves = Array.from({ length: 13 }, (_, at) => sha256(u8(at)));

  test(`inclusion and consistency paths of a ${name} log`, () => {
    for (let size = 1; size <= leaves.length; size++) {
      const some = leaves.slice(0, size);
      const root = rootOf(log, some);
      some.forEach((leaf, at) => {
        const path = inclusionPath(log, at, some);
        assert.deepEqual(rootOfInclusion(log, leaf, BigInt(at), BigInt(size), path), root);
        assert.notDeepEqual(rootOfInclusion(log, leaf, BigInt(at + 1), BigInt(size), path), root);
        assert.equal(rootOfInclusion(log, leaf, BigInt(at), BigInt(size), [...path, leaf]), undefined);
      });
      for (let old = 1; old <= size; old++) {
        const before = { size: BigInt(old), root: rootOf(log, some.slice(0, old)) };
        const after = { size: BigInt(size), root };
        const path = consistencyPath(log, old, some);
        assert.ok(isConsistent(log, before, after, path), `${old} of ${size}`);
        assert.ok(!isConsistent(log, { ...before, root: sha256(before.root) }, after, path));
        assert.ok(!isConsistent(log, before, { ...after, root: sha256(root) }, path));
        assert.ok(!isConsistent(log, before, after, [...path, root]));
      }
      assert.ok(!isConsistent(log, { size: 0n, root: log.empty() }, { size: BigInt(size), root }, []));
    }
  });

  test(`range proofs of a ${name} log`, () => {
    for (let size = 1; size <= leaves.length; size++) {
      const some = leaves.slice(0, size);
      for (let first = 0; first < size; first++) {
        for (let end = first + 1; end <= size; end++) {
          const hashes = rangeHashes(log, first, end, some);
          const range = some.slice(first, end);
          assert.deepEqual(rootOfRange(log, BigInt(size), BigInt(first), range, hashes), rootOf(log, some));
          assert.equal(
            rootOfRange(log, BigInt(size), BigInt(first), range, [...hashes, some[0] as Uint8Array]),
            undefined,
          );
        }
      }
      assert.equal(rootOfRange(log, BigInt(size), 0n, [], [rootOf(log, some)]), undefined);
    }
  });
}

test("sizes beyond all logs are refused at once", () => {
  const [leaf] = LEAVES as [Uint8Array];
  assert.equal(rootOfRange(TRAIL_LOG, 2n ** 64n - 1n, 0n, [leaf], []), undefined);
  assert.equal(rootOfInclusion(TRAIL_LOG, leaf, 2n ** 64n - 1n, 2n ** 64n - 1n, []), undefined);
});

test("what the map holds and lacks", () => {
  for (let count = 0; count <= 20; count++) {
    const map = new TestMap();
    const places = Array.from({ length: count }, (_, at) => ({ kind: 4, id: u8(at) }));
    for (const place of places) map.set(place, sha256(place.id));
    const root = map.root();
    for (const [at, place] of [...places, { kind: 5, id: u8(1) }].entries()) {
      const path = create(MapProofSchema, map.path(place));
      const key = hash("key", u8(place.kind), place.id);
      assert.ok(isWellFormed(path));
      assert.equal(holds(root, key, sha256(place.id), path), at < count, `${at} of ${count}`);
      assert.equal(lacks(root, key, path), at === count, `${at} of ${count}`);
      const deeper = create(MapProofSchema, {
        ...path,
        depth: path.depth + 1,
        bitmap: new Uint8Array(Math.ceil((path.depth + 1) / 8)),
      });
      assert.ok(!holds(root, key, sha256(place.id), deeper));
      assert.ok(!isWellFormed(create(MapProofSchema, { ...path, siblings: [...path.siblings, root] })));
    }
  }
});
