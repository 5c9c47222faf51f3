import { fuzz } from './run.ts';
import { TEXTS } from './suites.ts';

fuzz(TEXTS);
