// The gate editor: conditions in a form or the rule itself as JSON, read back as
// a sentence while one types, and a wallet to try it on.

import { Asset, call, Decision, demoInfo, Gate, problemOf } from './api';
import { fill, h, icon, put, say, uid } from './dom';
import { session } from './session';
import { decisionBox, problemBox } from './ui';
import { waysIn } from './whatif';

type Kind = 'erc721' | 'erc1155' | 'is' | 'after' | 'before';
interface Condition { kind: Kind; chain: string; contract: string; min: string; ids: string; account: string; time: string }
interface Model { join: 'all' | 'any'; conditions: Condition[] }
type Json = Record<string, unknown>;

const blank = (chain: string): Condition => ({ kind: 'erc721', chain, contract: '', min: '1', ids: '', account: '', time: '' });

/** toRule writes the GR/1 rule of the form. */
function toRule(m: Model): Json {
  const leaves = m.conditions.map((c): Json => {
    const ids = c.ids.split(/[\s,]+/).filter(Boolean);
    switch (c.kind) {
      case 'erc721': return { hold: `${c.chain}/erc721:${c.contract.trim()}`, ...(ids.length ? { ids } : c.min.trim() !== '1' ? { min: c.min.trim() } : {}) };
      case 'erc1155': return { hold: `${c.chain}/erc1155:${c.contract.trim()}${ids[0] ? '/' + ids[0] : ''}`, ...(c.min.trim() !== '1' ? { min: c.min.trim() } : {}) };
      case 'is': return { is: c.account.includes(':') ? c.account.trim() : `${c.chain}:${c.account.trim()}` };
      default: return { [c.kind]: c.time ? new Date(c.time).toISOString().replace(/\.\d+Z$/, 'Z') : '' };
    }
  });
  return { gr: 1, when: leaves.length === 1 ? leaves[0] : { [m.join]: leaves } };
}

/** fromRule reads a rule back into the form, or null for one the form cannot show. */
function fromRule(rule: unknown, chain: string): Model | null {
  const r = rule as Json;
  if (!r || Object.keys(r).some((k) => k !== 'gr' && k !== 'when')) return null;
  const when = r.when as Json;
  const join = when.any ? 'any' : 'all';
  const list = ((when.all ?? when.any) as Json[] | undefined) ?? [when];
  if ((when.all || when.any) && Object.keys(when).length > 1) return null;
  const conditions: Condition[] = [];
  for (const leaf of list) {
    const c = blank(chain);
    const keys = Object.keys(leaf);
    const only = (...allowed: string[]) => keys.every((k) => allowed.includes(k));
    const asset = typeof leaf.hold === 'string' ? /^([^/]+)\/(erc721|erc1155):([^/]+)(?:\/(\d+))?$/.exec(leaf.hold) : null;
    if (asset && only('hold', 'min', 'ids') && (leaf.ids === undefined || Array.isArray(leaf.ids))) {
      Object.assign(c, { chain: asset[1], kind: asset[2], contract: asset[3], min: String(leaf.min ?? '1'), ids: asset[4] ?? ((leaf.ids as string[] | undefined) ?? []).join(', ') });
    } else if (typeof leaf.is === 'string' && only('is')) Object.assign(c, { kind: 'is', account: leaf.is });
    else if (typeof leaf.after === 'string' && only('after')) Object.assign(c, { kind: 'after', time: local(leaf.after) });
    else if (typeof leaf.before === 'string' && only('before')) Object.assign(c, { kind: 'before', time: local(leaf.before) });
    else return null;
    conditions.push(c);
  }
  return { join, conditions };
}

/** local is the value that a datetime-local control shows for an instant. */
function local(rfc3339: string): string {
  const d = new Date(rfc3339);
  return Number.isNaN(+d) ? '' : new Date(+d - d.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

const kinds: Record<Kind, string> = { erc721: 'Holds an NFT (ERC-721)', erc1155: 'Holds a token (ERC-1155)', is: 'Is this wallet', after: 'After a date', before: 'Before a date' };

export function gateEditor(asset: Asset, signal: AbortSignal): HTMLElement {
  const box = h('div', { class: 'gate' }, h('p', { class: 'hint' }, 'Loading…'));
  void (async () => {
    const [demo, known] = await Promise.all([demoInfo(), call<{ chains: { chain: string }[] }>('GET', '/v1/chains', undefined, { signal }).catch(() => ({ chains: [] }))]);
    if (signal.aborted) return;
    const chains = known.chains.map((c) => c.chain);
    fill(box, new Editor(asset, chains.length ? chains : ['eip155:1'], demo?.pass_contract ?? '', signal).root);
  })();
  return box;
}

class Editor {
  readonly root = h('div');
  private readonly chains: string[];
  private model: Model;
  private raw = false;
  private text = '';
  private asked = 0;
  private timer = 0;
  private readonly body = h('div');
  private readonly reading = h('div', { class: 'reading', 'aria-live': 'polite' });
  private readonly tested = h('div', { 'aria-live': 'polite' });
  private readonly saved = h('div', { 'aria-live': 'polite' });
  private readonly save: HTMLButtonElement;

  constructor(private readonly asset: Asset, chains: string[], private readonly pass: string, private readonly signal: AbortSignal) {
    this.chains = chains;
    const existing = asset.gate ? fromRule(asset.gate, chains[0]) : null;
    this.model = existing ?? { join: 'all', conditions: asset.gate ? [] : [blank(chains[0])] };
    if (!asset.gate && pass) this.model.conditions[0].contract = pass;
    this.raw = !!asset.gate && !existing;
    this.text = JSON.stringify(asset.gate ?? toRule(this.model), null, 2);
    this.save = h('button', { type: 'button', class: 'button primary', onclick: () => void this.put() }, asset.gate ? 'Save the gate' : 'Set the gate');
    const wallet = h('input', { value: session.account ?? '', spellcheck: 'false', autocomplete: 'off' });
    wallet.id = uid('wallet');
    put(this.root,
      this.modes(), this.body, this.reading,
      h('div', { class: 'row' }, this.save, asset.gate ? h('button', { type: 'button', class: 'button', onclick: () => void this.remove() }, 'Remove the gate') : null), this.saved,
      h('h3', null, 'Test a wallet'),
      h('form', { class: 'inline', onsubmit: (e: Event) => { e.preventDefault(); void this.test(wallet.value); } },
        h('label', { for: wallet.id, class: 'sr' }, 'Wallet to test'), wallet, h('button', { class: 'button' }, 'Test')),
      this.tested);
    this.draw();
    if (this.complete()) void this.lint();
  }

  private modes(): HTMLElement {
    const b = (label: string, raw: boolean) => h('button', { type: 'button', class: 'tab', 'aria-pressed': String(this.raw === raw), onclick: (e: Event) => this.mode(raw, e.currentTarget as HTMLElement) }, label);
    return h('div', { class: 'tabs', role: 'group', 'aria-label': 'How to edit' }, b('Form', false), b('JSON', true));
  }

  private mode(raw: boolean, from: HTMLElement): void {
    if (!raw) {
      let back: Model | null = null;
      try { back = fromRule(JSON.parse(this.text), this.chains[0]); } catch { /* shown below */ }
      if (!back) return fill(this.saved, h('p', { class: 'notice' }, 'The form cannot show this rule. Keep editing it as JSON.'));
      this.model = back;
    } else this.text = JSON.stringify(toRule(this.model), null, 2);
    this.raw = raw;
    fill(this.saved);
    for (const b of from.parentElement!.children) b.setAttribute('aria-pressed', String(b === from));
    this.draw();
  }

  private draw(): void {
    if (this.raw) {
      const area = h('textarea', { rows: 12, class: 'code', spellcheck: 'false', value: this.text, 'aria-label': 'Rule as JSON', oninput: () => { this.text = area.value; this.changed(); } });
      return fill(this.body, area);
    }
    fill(this.body,
      this.model.conditions.length > 1 ? h('div', { class: 'join' }, h('label', { for: 'join' }, 'A viewer needs'),
        this.select({ all: 'all of these', any: 'any one of these' }, this.model.join, (v) => { this.model.join = v as Model['join']; }, 'join')) : null,
      h('ol', { class: 'conditions' }, this.model.conditions.map((c, i) => this.condition(c, i))),
      h('button', { type: 'button', class: 'button small', onclick: () => { this.model.conditions.push(blank(this.chains[0])); this.draw(); this.changed(); } }, icon('plus'), 'Add a condition'));
  }

  private select(options: Record<string, string>, value: string, set: (v: string) => void, id?: string): HTMLSelectElement {
    const s = h('select', { id, onchange: () => { set(s.value); this.changed(); } }, Object.entries(options).map(([v, label]) => h('option', { value: v, selected: v === value }, label)));
    return s;
  }

  private condition(c: Condition, i: number): HTMLElement {
    const labelled = (label: string, control: HTMLElement) => { control.id ||= uid('c'); return h('div', { class: 'field' }, h('label', { for: control.id }, label), control); };
    const input = (label: string, key: keyof Condition, props: Record<string, unknown> = {}) => {
      const el = h('input', { value: c[key], spellcheck: 'false', autocomplete: 'off', oninput: () => { (c[key] as string) = el.value; this.changed(); }, ...props });
      return labelled(label, el);
    };
    const list = uid('chains');
    const chain = () => [input('Chain', 'chain', { list, placeholder: 'eip155:1' }), h('datalist', { id: list }, this.chains.map((x) => h('option', { value: x })))];
    const token = c.kind === 'erc721' || c.kind === 'erc1155';
    return h('li', { class: 'condition' },
      h('div', { class: 'condition-head' },
        labelled(`Condition ${i + 1}`, this.select(kinds, c.kind, (v) => { c.kind = v as Kind; this.draw(); })),
        this.model.conditions.length > 1 ? h('button', { type: 'button', class: 'button small ghost', 'aria-label': `Remove condition ${i + 1}`, onclick: () => { this.model.conditions.splice(i, 1); this.draw(); this.changed(); } }, icon('cross')) : null),
      token ? h('div', { class: 'two' }, ...chain(), input(c.kind === 'erc721' ? 'At least' : 'Amount, at least', 'min', { inputmode: 'numeric' })) : null,
      token ? input('Contract', 'contract', { placeholder: '0x…' }) : null,
      token && this.pass && c.contract !== this.pass ? h('button', { type: 'button', class: 'button small', onclick: () => { c.contract = this.pass; c.chain = this.chains[0]; this.draw(); this.changed(); } }, 'Use the demo pass') : null,
      c.kind === 'erc721' ? input('Only these token ids (optional)', 'ids', { placeholder: '1, 2, 3' }) : null,
      c.kind === 'erc1155' ? input('Token id', 'ids', { inputmode: 'numeric' }) : null,
      c.kind === 'is' ? input('Wallet', 'account', { placeholder: `${this.chains[0]}:0x…` }) : null,
      c.kind === 'after' || c.kind === 'before' ? input('Date and time', 'time', { type: 'datetime-local', step: 1 }) : null);
  }

  private complete(): boolean {
    return this.raw || this.model.conditions.every((c) => c.kind === 'is' ? c.account : c.kind === 'after' || c.kind === 'before' ? c.time : c.contract);
  }

  private rule(): string { return this.raw ? this.text : JSON.stringify(toRule(this.model)); }

  private changed(): void {
    clearTimeout(this.timer);
    fill(this.saved);
    fill(this.tested);
    this.timer = window.setTimeout(() => void this.lint(), 250);
  }

  /** lint reads the rule back as a sentence; an answer to an older text is dropped. */
  private async lint(): Promise<void> {
    const asked = ++this.asked;
    if (!this.complete()) return fill(this.reading, h('p', { class: 'hint' }, 'Fill in the conditions to see the gate as a sentence.'));
    try {
      const gate = await call<Gate>('POST', '/v1/gates/lint', undefined, { signal: this.signal, raw: this.rule() });
      if (asked !== this.asked) return;
      fill(this.reading, h('blockquote', { class: 'sentence' }, gate.sentence),
        gate.warnings.length ? h('ul', { class: 'warnings' }, gate.warnings.map((w) => h('li', null, w.detail))) : null);
    } catch (err) {
      if (asked === this.asked && !this.signal.aborted) fill(this.reading, problemBox(problemOf(err)));
    }
  }

  private async put(): Promise<void> {
    this.save.disabled = true;
    try {
      const gate = await call<Gate>('PUT', `/v1/assets/${this.asset.id}/gate`, undefined, { raw: this.rule() });
      this.asset.gate = gate.rule;
      fill(this.saved, h('p', { class: 'hint good' }, 'The gate is set. It holds for everyone watching now, too.'));
      say('The gate is set.');
    } catch (err) {
      fill(this.saved, problemBox(problemOf(err)));
    }
    this.save.disabled = false;
  }

  private async remove(): Promise<void> {
    try {
      await call('DELETE', `/v1/assets/${this.asset.id}/gate`);
      fill(this.saved, h('p', { class: 'hint good' }, 'The gate is gone. Only you can watch now.'));
    } catch (err) {
      fill(this.saved, problemBox(problemOf(err)));
    }
  }

  private async test(account: string): Promise<void> {
    account = account.trim();
    if (account && !account.includes(':')) account = `${this.model.conditions[0]?.chain ?? this.chains[0]}:${account}`;
    fill(this.tested, h('p', { class: 'hint' }, 'Asking the chain…'));
    try {
      const d = await call<Decision>('POST', '/v1/gates/check', { rule: JSON.parse(this.rule()), account }, { signal: this.signal });
      fill(this.tested, decisionBox(d, waysIn(d, 'h4')));
    } catch (err) {
      if (!this.signal.aborted) fill(this.tested, problemBox(problemOf(err)));
    }
  }
}
