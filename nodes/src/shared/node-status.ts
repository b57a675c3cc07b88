import type { Node } from 'node-red';

type Shape = 'ring' | 'dot';
type Fill = 'red' | 'green' | 'yellow' | 'blue' | 'grey';

const everyMs = 500;
const longest = 40;

/** What a node shows below itself. Every call goes to each open editor: at most two a second leave, the last one always. */
export class NodeStatus {
  readonly #node: Node;
  #waiting: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #shown = '';

  constructor(node: Node) {
    this.#node = node;
    node.on('close', () => clearTimeout(this.#timer));
  }

  /** `text` may be a function: it is asked only for what leaves, so a node may show each of many messages. */
  show(fill: Fill, shape: Shape, text: string | (() => string)): void {
    const send = (): void => {
      const whole = typeof text === 'string' ? text : text();
      const short = whole.length > longest ? `${whole.slice(0, longest - 1)}…` : whole;
      const key = `${fill} ${shape} ${short}`;
      if (key === this.#shown) return;
      this.#shown = key;
      this.#node.status({ fill, shape, text: short });
    };
    if (this.#timer !== undefined) {
      this.#waiting = send;
      return;
    }
    send();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const next = this.#waiting;
      this.#waiting = undefined;
      next?.();
    }, everyMs);
  }
}
