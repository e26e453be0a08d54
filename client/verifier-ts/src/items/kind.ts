/** What each kind of item says of itself. */
import type { Item, TransactionHeader } from "../gen/liuhen/v1/transaction_pb.js";
import type { Place } from "../places.js";

/** The kind of an item, as the field of the schema is called: `recordAccess`. */
export type ItemKind = NonNullable<Item["kind"]["case"]>;
export type ItemOf<Kind extends ItemKind> = Extract<Item["kind"], { case: Kind }>["value"];

/** Where an item stands: its transaction's header, and its number there. */
export interface Origin {
  readonly header: TransactionHeader;
  readonly number: number;
}

/** What the protocol knows of a kind of item. */
export interface KindOfItem<Kind extends ItemKind> {
  /** What it must be whatever the ledger says; throws `BadItem`. */
  readonly check: (it: ItemOf<Kind>) => void;
  /** Where it is filed, but for its key's trail, where all are; some may be there twice. */
  readonly trails: (it: ItemOf<Kind>, at: Origin) => Place[];
}

/** Rows of some kinds. */
export type Rows = { readonly [Kind in ItemKind]?: KindOfItem<Kind> };
/** A row for every kind: one that lacks does not compile. */
export type Table = { readonly [Kind in ItemKind]: KindOfItem<Kind> };
