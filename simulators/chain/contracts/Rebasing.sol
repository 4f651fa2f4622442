// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// A token whose balances grow without a Transfer event, like eETH: what is kept is shares.
contract Rebasing {
    string public name = "ether.fi ETH";
    string public symbol = "eETH";
    uint8 public constant decimals = 18;
    uint256 public index = 1e18;
    mapping(address => uint256) public shares;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    function balanceOf(address holder) external view returns (uint256) {
        return shares[holder] * index / 1e18;
    }

    function rebase(uint256 index_) external {
        index = index_;
    }

    function mint(address to, uint256 value) external {
        shares[to] += value * 1e18 / index;
        emit Transfer(address(0), to, value);
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        _move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        allowance[from][msg.sender] -= value;
        _move(from, to, value);
        return true;
    }

    function _move(address from, address to, uint256 value) private {
        uint256 part = value * 1e18 / index;
        shares[from] -= part;
        shares[to] += part;
        emit Transfer(from, to, value);
    }
}
