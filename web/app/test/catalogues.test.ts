import ts from 'typescript';
import { expect, test } from 'vitest';
import ar from '../src/i18n/ar.json';
import de from '../src/i18n/de.json';
import en from '../src/i18n/en.json';
import consoleAr from '../src/console/words/ar.json';
import consoleDe from '../src/console/words/de.json';
import consoleEn from '../src/console/words/en.json';
import { directionOf, firstSpoken, LANGUAGES, type Language } from '../src/i18n/languages';
import { speak, t, tn } from '../src/i18n/t';

type Words = Readonly<Record<string, string>>;

/** Of the meeting and of the console: English, and what each language says. */
const CATALOGUES: readonly [language: string, words: Words, english: Words][] = [
  ['en', en, en],
  ['de', de, en],
  ['ar', ar, en],
  ['en', consoleEn, consoleEn],
  ['de', consoleDe, consoleEn],
  ['ar', consoleAr, consoleEn],
];
const SOURCES: Readonly<Record<string, string>> = import.meta.glob('../src/**/*.{ts,tsx}', { query: '?raw', import: 'default', eager: true });
const FORMS = /_(zero|one|two|few|many|other)$/;

/** Keys that have plural forms, without them. */
const plurals = (english: Words) => Object.keys(english).filter((key) => key.endsWith('_other')).map((key) => key.replace(FORMS, ''));

/** The key is one of those forms, and not just a word that ends like one (`one_to_one`). */
const isForm = (key: string, english: Words) => FORMS.test(key) && plurals(english).includes(key.replace(FORMS, ''));

const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test.each(CATALOGUES)('%s has every word, with the same holes to fill', (_, words, english) => {
  const plain = Object.entries(english).filter(([key]) => !isForm(key, english));
  expect(plain.filter(([key, text]) => JSON.stringify(holes(words[key] ?? '')) !== JSON.stringify(holes(text)))).toEqual([]);
  expect(Object.keys(words).filter((key) => !isForm(key, english) && !Object.hasOwn(english, key))).toEqual([]);
});

test.each(CATALOGUES)('%s has each plural in every form that its language has, and no other', (language, words, english) => {
  const { pluralCategories } = new Intl.PluralRules(language).resolvedOptions();
  const wanted = plurals(english).flatMap((key) => pluralCategories.map((form) => `${key}_${form}`));
  expect(Object.keys(words).filter((key) => isForm(key, english)).sort()).toEqual(wanted.sort());
});

test('numbers choose their form', async () => {
  expect([tn('people.count', 1), tn('people.count', 5)]).toEqual(['1 person', '5 people']);
  globalThis.document = { documentElement: { lang: '', dir: '' } } as Document;
  await speak('ar');
  expect(document.documentElement.dir).toBe('rtl');
  expect(new Set([0, 1, 2, 3, 11, 100].map((count) => tn('people.count', count))).size).toBe(6);
  await speak('de');
  expect(document.documentElement.dir).toBe('ltr');
  expect(t('meeting.pageOf', { page: 1, pages: 2 })).toBe('Seite 1 von 2');
  await speak('en');
});

test('a name that runs the other way stays between its marks', async () => {
  expect(t('lobby.titleRoom', { room: 'غرفة' })).toBe('Ready to join “\u2068غرفة\u2069”?');
  expect(t('lobby.titleRoom', { room: 'Board' })).toBe('Ready to join “Board”?');
  await speak('ar');
  expect(t('meeting.joined', { name: 'Ada' })).toContain('\u2068Ada\u2069');
  expect(t('meeting.joined', { name: 'ليلى' })).not.toContain('\u2068');
  await speak('en');
});

test('a browser is spoken to in the first of its languages that we speak', () => {
  expect(firstSpoken(['fr-FR', 'de-AT', 'en'])).toBe('de');
  expect(firstSpoken(['fr'])).toBe('en');
  expect([directionOf('ar'), directionOf('de')]).toEqual(['rtl', 'ltr']);
});

/** What people read or hear of an element, where a screen reader or the browser says it. */
const SPOKEN = new Set(['aria-label', 'aria-description', 'aria-roledescription', 'alt', 'title', 'placeholder', 'label', 'text', 'hint']);

const LETTERS = /\p{L}{2,}/u;

function bare([file, code]: [string, string]): string[] {
  const source = ts.createSourceFile(file, code, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const found: string[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isJsxText(node) && LETTERS.test(node.text)) found.push(node.text.trim());
    if (ts.isJsxAttribute(node) && SPOKEN.has(node.name.getText()) && node.initializer) {
      const literal = ts.isJsxExpression(node.initializer) ? node.initializer.expression : node.initializer;
      if (literal && ts.isStringLiteralLike(literal) && LETTERS.test(literal.text)) found.push(literal.text);
    }
    if (ts.isCallExpression(node) && node.expression.getText() === 'toast') {
      const [words] = node.arguments;
      if (words && (ts.isStringLiteralLike(words) || ts.isTemplateExpression(words))) found.push(words.getText());
    }
    ts.forEachChild(node, look);
  };
  look(source);
  return found.map((text) => `${file}: ${text}`);
}

test('no text for people stands outside the catalogues', () => {
  const sources = Object.entries(SOURCES);
  expect(sources.length).toBeGreaterThan(60);
  expect(sources.flatMap(bare)).toEqual([]);
}, 60_000); // every source is parsed, which a busy machine takes its time for

const PAGES: Readonly<Record<string, string>> = import.meta.glob('../*.html', { query: '?raw', import: 'default', eager: true });

test.each(Object.entries(PAGES))('%s speaks every language where no script chooses one', (_, html) => {
  const said = [...(/<noscript>(.*)<\/noscript>/s.exec(html)?.[1] ?? '').matchAll(/<p lang="(\w+)"( dir="rtl")?>[^<]+<\/p>/g)];
  expect(said.map(([, language, rtl]) => [language, rtl !== undefined])).toEqual(
    Object.keys(LANGUAGES).map((language) => [language, directionOf(language as Language) === 'rtl']),
  );
});

test('no word is kept that nobody says', () => {
  const code = Object.values(SOURCES).join('\n');
  const unused = Object.keys(en)
    .map((key) => key.replace(FORMS, ''))
    .filter((key) => !code.includes(`'${key}'`) && !new RegExp(`\`${key.slice(0, key.lastIndexOf('.') + 1)}\\$\\{`).test(code))
    .filter((key) => !(/(On|Off)$/.test(key) && code.includes('`control.${device}')));
  expect(unused).toEqual([]);
});
