import { fuzz } from './run.ts';
import { SERVICES } from './suites.ts';

fuzz(SERVICES);
