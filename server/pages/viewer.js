import RFB from './novnc/core/rfb.js';
