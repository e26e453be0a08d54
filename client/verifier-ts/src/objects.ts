/** The file's objects: each stands in the map at the anchor, which its path shows. */
import type { DescMessage, Message, MessageShape } from "@bufbuild/protobuf";
import { NotCanonical, decode } from "./canonical.js";
import type { ObjectProof } from "./gen/liuhen/v1/proof_pb.js";
import { hash } from "./hash.js";
import { holds } from "./map.js";
import { type Place, mapKey, nameOf, objectSchema, takesObjectId, textKey } from "./places.js";
import { Invalid, Undecidable, demand } from "./verdict.js";

const MAX_BYTES = 16 * 1024 * 1024;

interface Entry {
  place: Place;
  object: Message;
}

/** Objects by their places; notes which were read, for a file holds nothing that its claim does not need. */
export class Objects {
  private readonly byPlace = new Map<string, Entry>();
  private readonly wasRead = new Set<string>();

  /** Checks each object's path to the anchor's map root. */
  constructor(given: readonly ObjectProof[], mapRoot: Uint8Array) {
    for (const it of given) {
      const place = { kind: it.kind, id: it.id };
      const object = checked(it, place, mapRoot);
      demand(!this.byPlace.has(textKey(place)), "object.twice", `${nameOf(place)} is given twice`);
      this.byPlace.set(textKey(place), { place, object });
    }
  }

  /** The places of all objects, in the order of the file. */
  *places(): Iterable<Place> {
    for (const entry of this.byPlace.values()) yield entry.place;
  }

  /** The object at a place, which counts as read; `undefined` where the file has none there. */
  find<Desc extends DescMessage>(place: Place, schema: Desc): MessageShape<Desc> | undefined {
    const key = textKey(place);
    const object = this.byPlace.get(key)?.object;
    if (object === undefined) return undefined;
    if (object.$typeName !== schema.typeName) throw new Error(`${nameOf(place)} is no ${schema.typeName}`);
    this.wasRead.add(key);
    return object as MessageShape<Desc>;
  }

  /** As `find`; UNDECIDABLE where the file has none there. */
  need<Desc extends DescMessage>(place: Place, schema: Desc): MessageShape<Desc> {
    const object = this.find(place, schema);
    if (object === undefined) throw new Undecidable(`object ${nameOf(place)}`);
    return object;
  }

  /** Whether the file has an object at a place, which counts as read. */
  has(place: Place): boolean {
    const key = textKey(place);
    if (!this.byPlace.has(key)) return false;
    this.wasRead.add(key);
    return true;
  }

  /** Throws `file.unused` where an object was not read. */
  checkAllRead(): void {
    for (const [key, entry] of this.byPlace) {
      demand(this.wasRead.has(key), "file.unused", `object ${nameOf(entry.place)} is not needed`);
    }
  }
}

function checked(given: ObjectProof, place: Place, mapRoot: Uint8Array): Message {
  const schema = objectSchema(place.kind);
  demand(schema !== undefined, "object.kind", `no object is of kind ${place.kind}`);
  demand(takesObjectId(place.kind, place.id), "object.id", `no object of kind ${place.kind} can have such an id`);
  const value = hash("object", given.object);
  const stands = given.path !== undefined && holds(mapRoot, mapKey(place), value, given.path);
  demand(stands, "object.path", `${nameOf(place)} does not stand so at the anchor`);
  try {
    return decode(schema, given.object, MAX_BYTES);
  } catch (error) {
    if (error instanceof NotCanonical) throw new Invalid("object.malformed", `${nameOf(place)}: ${error.message}`);
    throw error;
  }
}
