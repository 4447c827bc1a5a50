import { render } from 'preact';
import { Console } from './Console';
import '../styles/tokens.css';
import '../styles/base.css';
import './console.css';

const root = document.getElementById('app');
if (root) render(<Console />, root);
