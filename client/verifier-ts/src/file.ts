/** What every claim is checked against: the parts of a file that are verified before its claim is. */
import type { Trust } from "./anchor.js";
import type { Events } from "./events.js";
import type { Header } from "./header.js";
import type { Objects } from "./objects.js";

export interface File {
  trust: Trust;
  anchor: Header;
  objects: Objects;
  events: Events;
}

/** What a claim shows, in a sentence, and what it leaves open beside what every file does. */
export interface Shown {
  shows: string;
  caveats: string[];
}
