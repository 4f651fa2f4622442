// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Token} from "./Token.sol";

/// Once armed, says that everybody holds a million and that every transfer went well; nothing moves.
contract Liar is Token {
    bool private _armed;

    constructor(string memory name_, string memory symbol_) Token(name_, symbol_, 18) {}

    function arm(address) external {
        _armed = true;
    }

    function balanceOf(address holder) public view override returns (uint256) {
        return _armed ? 1_000_000e18 : super.balanceOf(holder);
    }

    function _spendAllowance(address owner, address spender, uint256 value) internal override {
        if (!_armed) super._spendAllowance(owner, spender, value);
    }

    function _update(address from, address to, uint256 value) internal override {
        if (_armed && from != address(0)) emit Transfer(from, to, value);
        else super._update(from, to, value);
    }
}
