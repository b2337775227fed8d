package event

import (
	"regexp"
	"strings"
)

var topicRE = regexp.MustCompile(`^[a-z0-9_-]{1,64}(\.[a-z0-9_-]{1,64}){0,7}$`)

// ValidTopic reports whether s is one to eight elements of a-z, 0-9, _ and -,
// joined by dots.
func ValidTopic(s string) bool { return topicRE.MatchString(s) }

// ValidPattern reports whether s is a topic, "*", or a topic followed by ".*".
func ValidPattern(s string) bool {
	return s == "*" || ValidTopic(strings.TrimSuffix(s, ".*"))
}

// Match reports whether pattern covers topic: the same text, or the same
// beginning when the pattern ends in "*", which stands for one element or more.
func Match(pattern, topic string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(topic, prefix)
	}
	return pattern == topic
}
