/** Two soft notes for a new message, made by the browser itself; silent until the visitor wants them. */

const NOTES = [660, 880];
const LENGTH = 0.14;

export class Sound {
  #button;
  #storage;
  #context = null;

  constructor({ button, storage }) {
    this.#button = button;
    this.#storage = storage;
    button.addEventListener("click", () => this.#toggle());
    this.restore();
  }

  get isOn() {
    return this.#button.getAttribute("aria-pressed") === "true";
  }

  /** Take back what the visitor chose before; storage may know it only later. */
  restore() {
    this.#button.setAttribute("aria-pressed", String(this.#storage.get("sound") === true));
  }

  play() {
    if (!this.isOn || typeof AudioContext === "undefined") return;
    this.#context ??= new AudioContext();
    // Browsers let a page sound only after somebody has touched it; then it stays silent.
    this.#context.resume().catch(() => null);
    NOTES.forEach((pitch, at) => this.#note(pitch, this.#context.currentTime + at * LENGTH));
  }

  #note(pitch, from) {
    const tone = this.#context.createOscillator();
    const volume = this.#context.createGain();
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.0001, from);
    volume.gain.exponentialRampToValueAtTime(0.12, from + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, from + LENGTH);
    tone.connect(volume).connect(this.#context.destination);
    tone.start(from);
    tone.stop(from + LENGTH);
  }

  #toggle() {
    this.#button.setAttribute("aria-pressed", String(!this.isOn));
    this.#storage.set("sound", this.isOn);
    this.play();
  }
}
