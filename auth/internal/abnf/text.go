package abnf

// IsNonce reports whether s is 8 or more letters and digits.
func IsNonce(s string) bool {
	for i := range len(s) {
		if !isAlpha(s[i]) && !isDigit(s[i]) {
			return false
		}
	}
	return len(s) >= 8
}

// IsStatement reports whether s is made of the URI characters and spaces a statement may have.
func IsStatement(s string) bool {
	for i := range len(s) {
		if s[i] != ' ' && !isUnreserved(s[i]) && !isSubDelim(s[i]) && !isGenDelim(s[i]) {
			return false
		}
	}
	return true
}
