package importer

import (
	"github.com/streamgate/streamgate/nft/rule"
)

// unlockOuter and unlockLock are the members of a paywall configuration and of one of its locks
// that shape the checkout: they say how a key is bought and not who has one.
var (
	unlockOuter = [...]string{
		"locks", "network", "title", "icon", "callToAction", "pessimistic", "persistentCheckout", "hideSoldOut", "redirectUri", "referrer", "messageToSign",
		"metadataInputs", "skipRecipient", "skipSelect", "skipPriceDetails", "minRecipients", "maxRecipients", "emailRequired", "recurringPayments", "endingCallToAction",
		"autoconnect", "password", "promo", "captcha", "expectedAddress", "dataBuilder", "allowSkip", "name",
	}
	unlockLock = [...]string{
		"network", "name", "order", "recipient", "dataBuilder", "minRecipients", "maxRecipients", "emailRequired", "default", "skipRecipient", "recurringPayments", "referrer",
		"metadataInputs", "password", "promo", "captcha", "superfluid", "recipients", "settings", "type", "expectedAddress",
	}
)

// unlock reads a paywall configuration: a running key of any of its locks opens.
func (im *importer) unlock(doc *value) node {
	if doc.kind != 'o' {
		return im.fail(doc, "write a paywall configuration")
	}
	if u := doc.unknown(unlockOuter[:]...); u != nil {
		return im.fail(u, "this member of a paywall configuration is not known here")
	}
	locks := doc.get("locks")
	if locks == nil || locks.kind != 'o' || len(locks.keys) == 0 {
		return im.fail(locks.or(doc), "write at least one lock")
	}
	var of []node
	for _, address := range locks.keys {
		lock := locks.obj[address]
		im.count(lock)
		if lock.kind != 'o' {
			im.fail(lock, "write an object")
			continue
		}
		if u := lock.unknown(unlockLock[:]...); u != nil {
			of = append(of, im.lose(u, false, "this member of a lock is not known here"))
			continue
		}
		network := lock.get("network")
		if network.empty() {
			network = doc.get("network")
		}
		if _, ok := network.text(); !ok {
			im.fail(lock, "write the network of this lock")
			continue
		}
		of = append(of, im.leaf(lock, false, node{"key": "eip155:" + network.str + "/erc721:" + address, "check": string(rule.Unlock)}))
	}
	if len(of) == 0 {
		return shut(false)
	}
	return join(rule.KindAny, of)
}
