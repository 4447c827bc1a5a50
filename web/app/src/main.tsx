import { render } from 'preact';
import { App } from './App';
import { speak } from './i18n/t';
import { followTheme, spoken } from './state/prefs';
import './styles/tokens.css';
import './styles/base.css';

followTheme();
const root = document.getElementById('app');
void speak(spoken()).then(() => root && render(<App />, root));
