// Writes sdk/src/schema.d.ts from the server's OpenAPI document.
import { writeFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';

const FROM = new URL('../../docs/openapi.json', import.meta.url);
const TO = new URL('../sdk/src/schema.d.ts', import.meta.url);

const types = astToString(await openapiTS(FROM, { defaultNonNullable: false }));
await writeFile(TO, `// Generated from docs/openapi.json by \`npm run types\`.\n${types}`);
