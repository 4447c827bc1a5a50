import { effect } from '@preact/signals';
import { render } from 'preact';
import { speak as speakShared } from '../i18n/t';
import { followTheme, prefs, spoken } from '../state/prefs';
import '../styles/tokens.css';
import '../styles/base.css';
import { Console } from './Console';
import './console.css';
import { speak } from './words/t';

followTheme();
const root = document.getElementById('app');
void Promise.all([speakShared(spoken()), speak(spoken())]).then(() => root && render(<Console />, root));
effect(() => {
  void prefs.value.language;
  void speak(spoken());
});
