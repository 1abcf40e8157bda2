// Nobody is there to be greeted, and a machine without the network cannot ask for anything.
pref("datareporting.policy.dataSubmissionEnabled", false);
pref("datareporting.policy.firstRunURL", "");
pref("browser.aboutwelcome.enabled", false);
pref("browser.safebrowsing.downloads.remote.enabled", false);
pref("browser.safebrowsing.malware.enabled", false);
pref("browser.safebrowsing.phishing.enabled", false);
pref("browser.sessionstore.resume_from_crash", false);
pref("network.captive-portal-service.enabled", false);
pref("network.connectivity-service.enabled", false);
pref("extensions.getAddons.cache.enabled", false);
pref("toolkit.cosmeticAnimations.enabled", false);
