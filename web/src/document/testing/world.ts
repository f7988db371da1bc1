/** A server of one video and its clients, all in one process and on a virtual clock: every run replays from its seed. */

import { create } from "@bufbuild/protobuf";
import { ResendSchema } from "../../gen/rushes/annotation/v1/annotation_service_pb";
import { visibleAnnotations } from "../audience";
import { Audience } from "../model";
import type { Annotation, AnnotationState } from "../model";
import { ALL, GUEST, NOT_OTHERS, Peer } from "./peer";
import { Random } from "./random";
import { Server } from "./server";

const FAULTS = ["cut", "cut", "cut", "reload", "reload", "restart", "lose", "resend", "twice", "compact", "month", "lane"];

export interface Options {
  readonly merged: boolean;
  readonly faults: boolean;
}

/** Five people on one video, with all that goes wrong. */
export class World {
  readonly random: Random;
  readonly server: Server;
  readonly peers: readonly Peer[];
  /** What a screen showed before and after one's own batch came back. */
  readonly pictures: [Annotation[], Annotation[]][] = [];

  constructor(
    seed: number,
    private readonly options: Options,
  ) {
    this.random = new Random(seed);
    this.server = new Server(this.random);
    this.peers = [
      new Peer("ann", ALL, Audience.INTERNAL, this.random),
      new Peer("bob", ALL, Audience.INTERNAL, this.random),
      new Peer("cem", NOT_OTHERS, Audience.INTERNAL, this.random),
      new Peer("dee", ALL, Audience.INTERNAL, this.random),
      new Peer("guest", GUEST, Audience.CLIENT, this.random),
    ];
  }

  run(steps: number): this {
    for (let step = 0; step < steps; step++) {
      this.step();
    }
    this.settle();
    return this;
  }

  /** Somebody does something, or a message gets somewhere, or something breaks. */
  private step(): void {
    const { random, server } = this;
    server.nowMs += random.int(0, 39);
    const peer = random.choice(this.peers);
    peer.nowS += random.choice([0, 0.01, 0.06]);
    const { session } = peer;
    const choice = random.next();
    if (choice < 0.1) {
      peer.act(server);
    } else if (choice < 0.3) {
      peer.send();
    } else if (session === undefined) {
      if (random.chance(0.3)) {
        peer.connect(server);
      }
    } else if (choice < 0.5) {
      this.deliver(peer);
    } else if (choice < 0.6) {
      server.fold();
    } else if (choice < 0.7) {
      server.pump(session);
    } else if (choice < 0.97 || !this.options.faults) {
      this.receive(peer);
    } else {
      this.breakSomething(peer);
    }
  }

  private deliver(peer: Peer): void {
    const bytes = peer.session?.up.shift();
    if (bytes !== undefined && peer.session !== undefined) {
      this.server.take(peer.session, bytes);
    }
  }

  private receive(peer: Peer): void {
    const pictures = peer.receive(this.server);
    if (pictures !== undefined) {
      this.pictures.push(pictures);
    }
  }

  /** A cut, a reload, a restart, a restore, a message sent twice, a log that forgets, a month in which nobody is there. */
  private breakSomething(peer: Peer): void {
    const { server, random } = this;
    const { session } = peer;
    switch (random.choice(FAULTS)) {
      case "cut":
        peer.cut(server);
        break;
      case "reload":
        peer.reload(server);
        break;
      case "restart":
        server.restart();
        this.peers.forEach((each) => each.cut(server));
        break;
      case "lose":
        server.restart();
        server.loseTail(Math.max(0, server.document.revision - random.int(0, 5)));
        this.peers.forEach((each) => each.cut(server));
        break;
      case "resend":
        session?.send({ case: "resend", value: create(ResendSchema) });
        break;
      case "twice":
        session?.up.push(...session.up.slice(0, 1));
        break;
      case "compact":
        server.firstKept = server.document.revision;
        break;
      case "month":
        server.nowMs += 31 * 24 * 3600 * 1000;
        break;
      case "lane":
        if (this.options.merged && session !== undefined) {
          server.pump(session);
          session.merged = !session.merged;
        }
    }
  }

  /** Everybody comes back, and all that is on its way arrives. */
  private settle(): void {
    for (let round = 0; round < 10_000; round++) {
      this.peers.forEach((peer) => this.comeBack(peer));
      this.server.fold();
      for (const peer of this.peers) {
        if (peer.session !== undefined) {
          this.server.pump(peer.session);
        }
        while (peer.session?.down.length) {
          this.receive(peer);
        }
      }
      if (this.peers.every((peer) => this.isQuiet(peer))) {
        return;
      }
    }
    throw new Error("it never ends");
  }

  private comeBack(peer: Peer): void {
    peer.nowS += 0.06;
    if (peer.session === undefined) {
      peer.connect(this.server);
    }
    if (peer.client.doubt.length && this.random.chance(0.5)) {
      peer.client.discardDoubt();
    } else if (peer.client.doubt.length) {
      peer.heed(peer.client.resendDoubt(peer.nowS), this.server);
    }
    peer.send();
    while (peer.session?.up.length) {
      this.deliver(peer);
    }
  }

  private isQuiet({ client }: Peer): boolean {
    const reached = client.confirmed.revision === this.server.document.revision;
    return client.phase === "open" && !client.pendingCount && !client.inFlight && reached;
  }

  /** What the server would show a person. */
  wanted(peer: Peer): AnnotationState[] {
    return visibleAnnotations(this.server.document, peer.audience);
  }

  get reasons(): Set<string> {
    return new Set(this.peers.flatMap((peer) => peer.reasons));
  }
}
