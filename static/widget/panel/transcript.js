/**
 * The conversation as this browser knows it: what the server has said, in order, and what waits to
 * be accepted. No DOM and no network, so that its promises can be tested by themselves:
 *
 * - a message is shown once, whatever is sent twice;
 * - `position` never passes a hole, so a resume asks for everything that is missing;
 * - an own message keeps its key from the first keystroke to the database.
 */

export class Transcript {
  #bySeq = new Map();
  #contiguous = 0;
  #pending = [];

  /** The highest seq below which nothing is missing. */
  get position() {
    return this.#contiguous;
  }

  /** The highest seq that arrived. */
  get highest() {
    return Math.max(this.#contiguous, ...this.#bySeq.keys());
  }

  /** The first missing range, or null. */
  get hole() {
    if (this.highest <= this.#contiguous) return null;
    let to = this.#contiguous + 1;
    while (!this.#bySeq.has(to + 1)) to += 1;
    return { from: this.#contiguous + 1, to };
  }

  /** Own messages the server has not accepted, oldest first. */
  get pending() {
    return this.#pending;
  }

  /** Everything in the order to show it: the server's messages by seq, then what is pending. */
  get items() {
    const known = [...this.#bySeq.keys()].sort((a, b) => a - b).map((seq) => this.#bySeq.get(seq));
    return [...known, ...this.#pending];
  }

  /** What came before `seq` is history that the server does not send; it is not a hole. */
  startAt(seq) {
    this.#contiguous = Math.max(this.#contiguous, seq - 1);
    this.#advance();
  }

  /** Forget what the server said; what it has not accepted yet stays. */
  forget() {
    this.#bySeq.clear();
    this.#contiguous = 0;
  }

  /** Take a message from the server; false if it was known. */
  receive(message) {
    const own = this.#takePending(message.client_id);
    if (this.#bySeq.has(message.seq)) return false;
    const key = message.client_id || `seq:${message.seq}`;
    this.#bySeq.set(message.seq, { ...own, ...message, key, state: "sent" });
    this.#advance();
    return true;
  }

  /** Add an own message that the server has not accepted yet. */
  add({ clientId, text, at, attachments = [] }) {
    this.#pending.push({ key: clientId, client_id: clientId, author: "visitor", text, at, state: "sending", citations: [], attachments });
  }

  /** The server has it as number `seq`: it becomes the message it will also be broadcast as. */
  accept(clientId, seq) {
    const own = this.#pending.find((message) => message.client_id === clientId);
    if (own) this.receive({ ...own, seq });
  }

  /** The server refused it for good; it stays visible and can be sent again. */
  fail(clientId, reason) {
    this.#change(clientId, { state: "failed", reason });
  }

  retry(clientId) {
    this.#change(clientId, { state: "sending", reason: null });
  }

  #change(clientId, changes) {
    const own = this.#pending.find((message) => message.client_id === clientId);
    if (own) Object.assign(own, changes);
  }

  #takePending(clientId) {
    const at = clientId ? this.#pending.findIndex((message) => message.client_id === clientId) : -1;
    return at < 0 ? null : this.#pending.splice(at, 1)[0];
  }

  #advance() {
    while (this.#bySeq.has(this.#contiguous + 1)) this.#contiguous += 1;
  }
}
