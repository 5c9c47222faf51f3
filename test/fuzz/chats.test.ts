import { fuzz } from './run.ts';
import { CHATS } from './suites.ts';

fuzz(CHATS);
